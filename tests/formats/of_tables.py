"""Tables of predictions: the same forty pictures as other programs write them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.formats.asking import share_of_pictures_right
from tests.formats.format import Format, Section, Write
from tests.xai_core.bias.people import ACCURACY, csv, people, xlsx

TABLE = people()
RIGHT = f"accuracy {ACCURACY['all']:.2f}"


def saved(name: str, content: bytes) -> Write:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def parquet(folder: Path) -> Path:
    TABLE.to_parquet(folder / "table.parquet")
    return folder / "table.parquet"


def renamed(**names: str) -> pd.DataFrame:
    return TABLE.rename(columns=names)


TABLES = Section(
    "Tables of predictions",
    share_of_pictures_right,
    (
        Format("CSV with `y_true`, `y_pred` or `prob_<class>`", saved("t.csv", csv(TABLE)), answer=RIGHT),
        Format(
            "CSV with semicolons, tabs or decimal commas",
            saved("t.csv", csv(TABLE, sep=";", decimal=",")),
            answer=RIGHT,
        ),
        Format(
            "UTF-16, as Excel writes “Unicode text”",
            saved("t.txt", csv(TABLE, sep="\t", encoding="utf-16")),
            answer=RIGHT,
        ),
        Format("Excel (.xlsx)", saved("t.xlsx", xlsx(TABLE)), answer=RIGHT),
        Format(
            "JSON records, lines or columns", saved("t.json", TABLE.to_json(orient="records").encode()), answer=RIGHT
        ),
        Format("Parquet", parquet, answer=RIGHT),
        Format(
            "Columns with other names, such as “True Label”",
            saved("t.csv", csv(renamed(y_true="True Label", y_pred="Predicted"))),
            "asks",
            "True Label",
            "Confirm the proposed columns; a preview shows the result.",
            RIGHT,
            {"columns": "guess"},
        ),
    ),
)
