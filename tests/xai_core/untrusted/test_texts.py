"""Texts are bounded before they become an array, and can be written."""

from __future__ import annotations

import pytest

from xai_core.errors import DataError
from xai_core.untrusted import texts
from xai_core.untrusted.texts import LONGEST_TEXT, text_array, writable


def test_texts_become_an_array():
    assert text_array(["cat", "ä", ""], "names").tolist() == ["cat", "ä", ""]
    assert text_array([], "names").tolist() == []


def test_lone_surrogates_become_question_marks():
    assert text_array(["a\ud800b"], "names").tolist() == ["a?b"]
    assert writable("\udfff \U0001f600") == "? \U0001f600"


def test_a_text_that_is_too_long_is_refused():
    assert len(text_array(["x" * LONGEST_TEXT], "names")[0]) == LONGEST_TEXT
    with pytest.raises(DataError, match="A text in names has 1,001 characters; at most 1,000 are read for each of 1"):
        text_array(["x" * (LONGEST_TEXT + 1)], "names")


def test_a_long_text_among_many_is_refused_before_all_take_its_space(monkeypatch):
    monkeypatch.setattr(texts, "LARGEST", 4_000)
    assert len(text_array(["x" * 10] * 100, "names")) == 100
    with pytest.raises(DataError, match="A text in names has 11 characters; at most 10 are read for each of 100"):
        text_array(["x"] * 99 + ["x" * 11], "names")
