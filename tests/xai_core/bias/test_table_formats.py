"""The same table gives the same figures, whatever program wrote it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.xai_core.bias.people import ACCURACY, csv, people, xlsx, zipped
from xai_core.bias.groups import grouped
from xai_core.bias.reading import read_predictions
from xai_core.errors import DataError

TABLE = people()
COLUMNS = TABLE.to_dict(orient="list")
WRITTEN = {
    "UTF-16 with a mark": csv(TABLE, encoding="utf-16"),
    "UTF-16 without a mark": csv(TABLE, encoding="utf-16-le"),
    "big-endian UTF-16": csv(TABLE, encoding="utf-16-be"),
    "semicolons and decimal commas": csv(TABLE, sep=";", decimal=","),
    "tabs and decimal commas": csv(TABLE, sep="\t", decimal=","),
    "decimal commas in quotes": csv(TABLE.astype({"prob_cat": str}).replace({"prob_cat": {"0.25": "0,25"}})),
    "xlsx": xlsx(TABLE),
    "JSON records": TABLE.to_json(orient="records").encode(),
    "JSON lines": TABLE.to_json(orient="records", lines=True).encode(),
    "JSON columns": TABLE.to_json().encode(),
    "JSON lists": json.dumps(COLUMNS).encode(),
    "JSON records under a name": json.dumps({"predictions": TABLE.to_dict(orient="records")}).encode(),
    "percent signs": csv(TABLE.assign(**{n: [f"{v:.2%}" for v in TABLE[n]] for n in TABLE if n.startswith("prob")})),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_format_gives_the_same_figures(name):
    found = read_predictions(WRITTEN[name], "x")
    right, sex = found.truth == found.predicted, grouped(found, ["sex"])
    figures = {"all": right.mean(), "f": right[sex == "f"].mean(), "m": right[sex == "m"].mean()}
    assert (figures, found.labels) == (pytest.approx(ACCURACY), ("cat", "golden retriever"))
    np.testing.assert_allclose(found.probabilities[:, 0], TABLE["prob_cat"], atol=1e-6)


def test_the_first_sheet_of_several_is_read_and_named():
    found = read_predictions(xlsx(TABLE, TABLE.head(3)), "x")
    assert (len(found), "The workbook has 2 sheets; 'Sheet1' was read." in found.notes) == (40, True)


def test_classes_that_excel_keeps_as_numbers_are_whole():
    numbered = TABLE[["y_true", "y_pred"]].replace({"cat": 0, "golden retriever": 1}).astype(float)
    assert read_predictions(xlsx(numbered), "x").labels == ("0", "1")


def far(place: str) -> bytes:
    cell = f'<worksheet><sheetData><row r="1"><c r="{place}"><v>1</v></c></row></sheetData></worksheet>'
    return zipped({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": cell})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (far("A1048576"), "has 1,048,576 rows; at most 200,000 are read"),
        (far("XFD1"), "has 16,384 columns; at most 5,000 are read"),
        (far("GJH199999"), "at most 64,000,000 cells are read"),
        (zipped({"xl/workbook.xml": " " * (129 << 20)}), "unpacks to 129 MB; at most 128 MB are read"),
        (zipped({"xl/workbook.xml": "<workbook"}), "The workbook is damaged"),
        (zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "an OpenDocument file"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "an old Excel file"),
        (b'[{"y_true": "cat"}, 5]', "The JSON is not a table"),
        (b'{"y_true": ["cat"], "y_pred": []}', "The JSON is not a table"),
        (b'[{"y_true": ' + b"[" * 50_000, "The JSON is not a table"),
        (b'[{"y_true": ' + b"9" * 5000 + b"}]", "The JSON is not a table"),
        (json.dumps([{str(n): 0 for n in range(5001)}]).encode(), "has 5001 columns; at most 5000 are read"),
    ],
)
def test_what_is_too_much_or_damaged_is_a_sentence(data, sentence):
    with pytest.raises(DataError, match=sentence):
        read_predictions(data, "x")


def test_lists_inside_json_records_are_skipped_with_a_note():
    records = [{"y_true": "a", "y_pred": "a", "box": [1, 2]}, {"y_true": "b", "y_pred": "a", "box": [3, 4]}]
    found = read_predictions(json.dumps(records).encode(), "x")
    assert (dict(found.attributes), found.notes[0]) == ({}, "The column box contains lists and was skipped.")
