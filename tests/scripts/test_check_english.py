"""The check for words that read like a translation."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.check_english import INSTEAD, checked_files, findings


def check(folder: Path, name: str, text: str) -> list[str]:
    """Return the findings in a file with this name and text."""
    path = folder / name
    path.write_text(text, "utf-8")
    return list(findings(path))


@pytest.mark.parametrize(
    ("phrase", "instead"),
    [
        ("It can not open.", "cannot"),
        ("A map of nought.", "zero"),
        ("It hangs on chance.", "depend on"),
        ("The format is told by its content.", "detected from"),
        ("A seed gives another map.", "gives a different"),
        ("the box that is taken for a cat", "predicted as"),
        ("It waits for at most so many seconds.", "the name of the number"),
        ("It computes the map anew.", "again"),
    ],
)
def test_a_banned_phrase_is_reported_with_its_line_and_a_replacement(tmp_path: Path, phrase: str, instead: str) -> None:
    (finding,) = check(tmp_path, "page.md", f"# A page\n\n{phrase}\n")
    assert finding.startswith("3: found ")
    assert instead in finding


def test_a_phrase_is_found_across_a_line_break(tmp_path: Path) -> None:
    assert check(tmp_path, "page.md", "It can\nnot open.") == ["1: found 'can not', write 'cannot' instead."]


def test_only_the_strings_of_python_are_checked(tmp_path: Path) -> None:
    code = '"""A docstring\nof nought."""\nnought = f"{1} can " "not"  # nought\n'
    assert [finding[:2] for finding in check(tmp_path, "code.py", code)] == ["2:", "3:"]


def test_only_the_strings_of_javascript_are_checked(tmp_path: Path) -> None:
    code = "// it can not, don't\nconst nought = 'can not';\n"
    assert check(tmp_path, "code.js", code) == ["2: found 'can not', write 'cannot' instead."]


def test_plain_english_passes(tmp_path: Path) -> None:
    assert check(tmp_path, "page.md", "It can not only open but also close. We told you; recommend it.") == []


def test_every_phrase_has_a_replacement_and_the_list_itself_is_not_checked() -> None:
    assert all(INSTEAD.values())
    assert "check_english.py" not in {path.name for path in checked_files()}
    assert {"CHANGELOG.md", "design.md"} <= {path.name for path in checked_files()}


@pytest.mark.parametrize(
    ("name", "text"),
    [("page.md", "It is 5 % wide."), ("code.py", 'f"{share} %"\n'), ("code.js", "const shown = `${share} %`;\n")],
)
def test_a_space_before_a_percent_sign_is_reported(tmp_path: Path, name: str, text: str) -> None:
    assert check(tmp_path, name, text) == ["1: found a space before %; write 5%, not 5 %."]


def test_a_remainder_is_no_percentage(tmp_path: Path) -> None:
    assert check(tmp_path, "code.py", 'turn = 7 % 2\n"%d of %d" % (1, 2)\n') == []
