"""Texts that a spreadsheet would run get a quote, and lose it when they are read; the first row is bounded."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xai_core.errors import DataError
from xai_core.untrusted import csv_text
from xai_core.untrusted.csv_text import MOST_COLUMNS, guarded, header_of, unguarded

SIGNS = "=+-@\t\r\n"


@pytest.mark.parametrize("sign", SIGNS)
def test_a_text_that_starts_with_a_sign_gets_a_quote(sign):
    assert guarded(f"{sign}HYPERLINK(1)") == f"'{sign}HYPERLINK(1)"
    assert guarded(f"HYPERLINK{sign}1") == f"HYPERLINK{sign}1"


@pytest.mark.parametrize("value", [-0.5, -3, None, float("-inf"), "-0.5", "-3", "-1.5e-07", "cat", "", "'quoted'"])
def test_numbers_and_harmless_texts_stay_as_they_are(value):
    assert guarded(value) is value


@pytest.mark.parametrize("text", ["-3+1", "+3", "--3", "-3 ", "-", "-e", "-1.5.2"])
def test_a_text_that_only_resembles_a_number_gets_a_quote(text):
    assert guarded(text) == f"'{text}"


@given(st.text(alphabet=f"'a1.{SIGNS}", max_size=8))
def test_every_text_is_read_back_as_it_was(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "@", "\t", "\r", "\n"))


def test_the_header_is_the_first_row_with_its_quotes_resolved():
    assert header_of('a,"b, c"\n1,2\n', ",") == ["a", "b, c"]
    assert header_of("", ",") == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a," * MOST_COLUMNS + "a\n", f"The table has {MOST_COLUMNS + 1} columns; at most {MOST_COLUMNS} are read."),
        ("a,b,a\n", "2 columns are named 'a'."),
        ("a, a\n", "2 columns are named 'a'."),
        ("a,b\n1,2,3\n", "A row of the table has more values than the header has names."),
        ('"' + "x" * 200_000, "The first rows cannot be read as CSV; a quote may be missing."),
    ],
    ids=["columns", "twice", "spaces", "longer", "quote"],
)
def test_a_first_row_that_breaks_a_rule_is_refused(text, sentence):
    with pytest.raises(DataError) as raised:
        header_of(text, ",")
    assert sentence in str(raised.value)


def test_cells_are_counted_before_any_is_read(monkeypatch):
    monkeypatch.setattr(csv_text, "MOST_CELLS", 10)
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([["a", "b"], *[[n, n] for n in range(5)]])
    with pytest.raises(DataError, match="The table has 6 rows and 2 columns; at most 10 cells are read"):
        header_of(written.getvalue(), ",")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_line_counts_once_however_it_ends(monkeypatch, end):
    monkeypatch.setattr(csv_text, "MOST_CELLS", 8)
    assert header_of(end.join(["a,b", "1,2", "3,4", "5,6", ""]), ",") == ["a", "b"]
    with pytest.raises(DataError, match="The table has 5 rows"):
        header_of(end.join(["a,b", "1,2", "3,4", "5,6", "7,8", ""]), ",")
