"""A table of 40 pictures with known accuracy, in the ways that programs write it."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

ACCURACY = {"all": 0.75, "f": 0.6, "m": 0.9}


def people() -> pd.DataFrame:
    """Return 20 pictures of each sex; 12 of the women's and 18 of the men's are right."""
    truth = np.array(["cat", "golden retriever"] * 20)
    sex = np.array(["f"] * 20 + ["m"] * 20)
    wrong = np.array(([True] * 8 + [False] * 12) + ([True] * 2 + [False] * 18))
    predicted = np.where(wrong, np.where(truth == "cat", "golden retriever", "cat"), truth)
    cat = np.where(predicted == "cat", 0.8125, 0.25)
    columns = {"y_true": truth, "y_pred": predicted, "sex": sex, "prob_cat": cat, "prob_golden retriever": 1 - cat}
    return pd.DataFrame(columns)


def csv(table: pd.DataFrame, **options: object) -> bytes:
    encoding = str(options.pop("encoding", "utf-8"))
    return table.to_csv(index=False, **options).encode(encoding)


def xlsx(table: pd.DataFrame, *others: pd.DataFrame) -> bytes:
    """Return a workbook with a sheet for each table."""
    sheets = {f"xl/worksheets/sheet{n}.xml": _sheet(each) for n, each in enumerate([table, *others], 1)}
    count = range(1, len(sheets) + 1)
    names = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in count)
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_R}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in count
    )
    root = f'<Relationship Id="rId1" Type="{_R}/officeDocument" Target="xl/workbook.xml"/>'
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_P}/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{_P}/relationships">{root}</Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_S}" xmlns:r="{_R}"><sheets>{names}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_P}/relationships">{links}</Relationships>',
            **sheets,
        }
    )


def zipped(files: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


_P = "http://schemas.openxmlformats.org/package/2006"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _sheet(table: pd.DataFrame) -> str:
    rows = [list(table.columns), *table.to_numpy().tolist()]
    written = [
        f'<row r="{n}">{"".join(_cell(n, c, value) for c, value in enumerate(row))}</row>'
        for n, row in enumerate(rows, 1)
    ]
    return f'<worksheet xmlns="{_S}"><sheetData>{"".join(written)}</sheetData></worksheet>'


def _cell(row: int, column: int, value: object) -> str:
    place = f'r="{chr(65 + column)}{row}"'
    if isinstance(value, str):
        return f'<c {place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c {place}><v>{value}</v></c>"
