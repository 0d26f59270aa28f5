"""The core and the adapters speak to the command line and to Python as well, so they name nothing on a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE_WORDS = re.compile(
    r"\b(upload\w*|on the \w+ page|tabs?|buttons?|click\w*|sliders?|sidebar|panel|menu|checkbox|browser)\b",
    re.IGNORECASE,
)
FILES = sorted(path for package in ("xai_core", "model_adapters") for path in (ROOT / package).rglob("*.py"))


def sentences(code: str) -> Iterator[str]:
    """Yield the texts in Python code that have two words or more, without its docstrings."""
    tree = ast.parse(code)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in alone
            and " " in node.value
        ):
            yield node.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_sentence_of_the_core_or_an_adapter_speaks_of_a_page(path: Path) -> None:
    assert [text for text in sentences(path.read_text("utf-8")) if PAGE_WORDS.search(text)] == []


def test_a_sentence_about_a_page_would_be_noticed() -> None:
    code = 'def f():\n    """Upload it."""\n    raise ValueError("Open it on the Model page.")'
    assert [bool(PAGE_WORDS.search(text)) for text in sentences(code)] == [True]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_of_the_core_or_an_adapter_looks_for_files_outside_its_package(path: Path) -> None:
    assert not re.search(r"__file__.*\.parents?\b", path.read_text("utf-8"))


@pytest.mark.parametrize("path", [path for path in FILES if "xai_core" in path.parts], ids=lambda path: path.name)
def test_the_core_names_no_adapter(path: Path) -> None:
    assert "model_adapters" not in path.read_text("utf-8")
