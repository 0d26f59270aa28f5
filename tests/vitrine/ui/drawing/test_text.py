"""Text from files and models is shown literally."""

from __future__ import annotations

import pytest

from vitrine.ui.drawing.text import identifier, in_words, literal, percent, seconds, without_code


@pytest.mark.parametrize(
    "text", ["![x](http://evil)", "<script>alert(1)</script>", "[a](b)", "**bold**", ":smile:", "$x$"]
)
def test_markup_is_escaped(text: str) -> None:
    shown = literal(text)
    assert shown != text
    assert not any(mark in shown.replace("\\" + mark, "") for mark in "[]<>*$:")


@pytest.mark.parametrize("text", ["https://evil.example/x", "www.evil.example", "HTTP://evil.example", "a@b.cd"])
def test_an_address_is_broken_so_that_no_link_is_made_of_it(text: str) -> None:
    assert "\u2060" in literal(text)


@pytest.mark.parametrize(
    ("name", "shown"), [("num_classes", "num_classes"), ("__init__", r"\_\_init\_\_"), ("a*b*", r"a\*b\*")]
)
def test_a_name_in_code_is_escaped_only_where_it_has_to_be(name: str, shown: str) -> None:
    assert identifier(name) == shown


def test_plain_words_stay_as_they_are() -> None:
    assert literal("tabby cat") == "tabby cat"


def test_long_text_is_cut_and_lines_are_joined() -> None:
    assert len(literal("a" * 1000, longest=20)) == 20
    assert literal("one\n\ntwo") == "one two"


@pytest.mark.parametrize(("share", "shown"), [(0.5, "50.0%"), (0.0001, "under 0.1%"), (0.0, "0.0%"), (1.0, "100.0%")])
def test_shares_are_percentages(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.03, "under 0.1 s"), (0.42, "0.4 s"), (12.3, "12 s"), (185, "3 min 5 s")]
)
def test_durations_are_words(value: float, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "on"), (False, "off"), (0.5, "0.5"), (12, "12"), ("black", "black")]
)
def test_values_of_parameters_are_words(value: object, shown: str) -> None:
    assert in_words(value) == shown


def test_long_lines_of_code_leave_their_sentence() -> None:
    line = "torch.jit.trace(model.eval(), torch.rand(1, 3, 224, 224)).save('model.pt')"
    shown, lines = without_code(f"Export it: {line} for TorchScript (or f(x)), with your size.")
    assert (shown, lines) == ("Export it: torch.jit.trace(…) for TorchScript (or f(x)), with your size.", [line])
    unclosed = "Net(" * 300
    assert without_code(unclosed) == (unclosed, [])
