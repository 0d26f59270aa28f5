"""Example pictures of the methods, for the method guide."""

from __future__ import annotations

import json
from pathlib import Path

from vitrine.folders import examples_folder
from xai_core.method import Catalogued

WITHOUT_EXAMPLE = "without.json"


def example_of(method: type[Catalogued]) -> Path | None:
    """Return the example picture of a method, or None."""
    path = examples_folder() / f"{method.id}.webp"
    return path if path.exists() else None


def example_in_words(method: type[Catalogued]) -> str:
    """Return the alternative text of a method's example: what it shows."""
    return f"{method.title} of {'the box around a digit' if method.group == 'Detection' else 'a cat'}"


def without_example() -> dict[str, str]:
    """Return the methods that the sample model does not support, by id, with the reasons."""
    path = examples_folder() / WITHOUT_EXAMPLE
    reasons: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return reasons
