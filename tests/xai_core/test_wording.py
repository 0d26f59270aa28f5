from __future__ import annotations

import pytest

from xai_core.jobs.launcher import WITHOUT_SANDBOX
from xai_core.wording import FORMATS, either, format_in_words, number


@pytest.mark.parametrize(
    ("model_format", "words"),
    [("onnx", "ONNX"), ("torch-weights", "PyTorch, state dict"), ("savedmodel", "TensorFlow, SavedModel")],
)
def test_a_format_is_named_as_its_users_do(model_format: str, words: str) -> None:
    assert format_in_words(model_format) == words


def test_every_format_that_opens_anywhere_has_words() -> None:
    assert set(WITHOUT_SANDBOX) <= set(FORMATS)


def test_a_format_without_words_is_shown_as_it_is() -> None:
    assert format_in_words("fake") == "fake"


@pytest.mark.parametrize(
    ("value", "words"), [(1529, "1,529"), (12, "12"), (0.25, "0.250"), (True, "yes"), (None, "n/a")]
)
def test_a_number_has_three_decimals_or_separated_thousands(value: float | None, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("names", "words"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c"), ([], "")]
)
def test_names_are_offered_as_alternatives(names: list[str], words: str) -> None:
    assert either(names) == words
