"""The settings beside the weights of a checkpoint, by name: of the training, and of the code that it ran."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from model_adapters.pytorch.checkpoint.extras import LABEL_KEYS
from model_adapters.pytorch.finding.flat import OF_TRAINING
from xai_core.types import MOST_SETTINGS

DEEPEST, LONGEST = 3, 200


def settings_of(content: Any) -> dict[str, Any]:
    """Return the plain values in the small mappings of a checkpoint, the outermost first."""
    found: dict[str, Any] = {}
    for mapping in _mappings(content, 0):
        for name, value in mapping.items():
            if isinstance(name, str) and name.isidentifier() and len(found) < MOST_SETTINGS and _is_plain(value, 0):
                found.setdefault(name, value)
    return found


def as_texts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as a card shows them, without lists of class names, which it shows as labels."""
    texts = {name: repr(value) for name, value in settings.items() if name not in LABEL_KEYS}
    return {name: text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..." for name, text in texts.items()}


def _mappings(content: Any, depth: int) -> Iterator[Mapping[Any, Any]]:
    if not isinstance(content, Mapping) or len(content) > MOST_SETTINGS:
        return
    yield content
    for name, value in content.items() if depth < DEEPEST else ():
        if name not in OF_TRAINING:
            yield from _mappings(value, depth + 1)


def _is_plain(value: Any, depth: int) -> bool:
    """Whether a value is a number, a short text, or a short list or tuple of such."""
    if isinstance(value, list | tuple):
        return depth < DEEPEST and len(value) <= LONGEST and all(_is_plain(part, depth + 1) for part in value)
    if isinstance(value, str):
        return len(value) <= LONGEST and value.isprintable()
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) is bool or (type(value) is int and abs(value) < 1 << 63)
