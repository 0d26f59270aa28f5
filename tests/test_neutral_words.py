"""The core and the adapters speak to the command line and to Python as well, so they name nothing on a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

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


def found_in(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """Return the files whose code fits a pattern, from the root."""
    return [str(path.relative_to(ROOT)) for path in paths if pattern.search(path.read_text("utf-8"))]


def test_no_sentence_of_the_core_or_an_adapter_speaks_of_a_page() -> None:
    spoken = {str(path): list(sentences(path.read_text("utf-8"))) for path in FILES}
    assert [(path, text) for path, texts in spoken.items() for text in texts if PAGE_WORDS.search(text)] == []


def test_a_sentence_about_a_page_would_be_noticed() -> None:
    code = 'def f():\n    """Upload it."""\n    raise ValueError("Open it on the Model page.")'
    assert [bool(PAGE_WORDS.search(text)) for text in sentences(code)] == [True]


def test_no_module_of_the_core_or_an_adapter_looks_for_files_outside_its_package() -> None:
    assert found_in(re.compile(r"__file__.*\.parents?\b"), FILES) == []


def test_the_core_names_no_adapter() -> None:
    core = [path for path in FILES if "xai_core" in path.parts]
    assert len(core) > 100
    assert found_in(re.compile("model_adapters"), core) == []
