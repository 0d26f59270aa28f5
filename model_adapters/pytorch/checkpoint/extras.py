"""Class names that lie beside the weights of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

LABEL_KEYS = (
    "class_names", "classes", "label_names", "labels", "idx_to_class", "id2label", "class_to_idx", "label2id",
    "names", "categories", "vocab",
)  # fmt: skip
SETTINGS_KEYS = ("hyper_parameters", "hparams", "args", "config", "cfg", "train_args", "opt")
AROUND = (*SETTINGS_KEYS, "meta", "metadata", "dataset_meta", "model", "net")
MOST_LABELS, LONGEST_LABEL = 100_000, 300


def labels(content: Any) -> tuple[tuple[str, ...], ...]:
    """Return the lists of class names that a checkpoint holds under a usual name, most likely first."""
    found = (_names(mapping[key]) for mapping in _places(content) for key in LABEL_KEYS if key in mapping)
    return tuple(dict.fromkeys(names for names in found if names))


def _places(content: Any) -> Iterator[Mapping[Any, Any]]:
    if isinstance(content, Mapping):
        yield content
        yield from (part for key in AROUND if isinstance(part := content.get(key), Mapping))


def _names(value: Any) -> tuple[str, ...]:
    """Return class names in the order of their numbers, from a list, an array, or a mapping either way; else none."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "US" and value.size <= MOST_LABELS:
        value = value.tolist()
    if isinstance(value, Mapping) and len(value) <= MOST_LABELS:
        value = _in_order(value)
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_LABELS:
        return ()
    names = tuple(name.strip() for name in value if isinstance(name, str) and len(name) <= LONGEST_LABEL)
    return names if len(names) == len(value) and all(name and name.isprintable() for name in names) else ()


def _in_order(mapping: Mapping[Any, Any]) -> list[Any]:
    """Return the names of a mapping between names and numbers from 0, in the order of the numbers; else nothing."""
    pairs = [
        (name, number) if isinstance(name, str) and isinstance(number, int) else (number, name)
        for name, number in mapping.items()
    ]
    numbered = {int(number): name for name, number in pairs if str(number).isdecimal() and len(str(number)) < 10}
    return [numbered[place] for place in range(len(numbered))] if set(numbered) == set(range(len(pairs))) else []
