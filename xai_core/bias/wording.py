"""Names and numbers as a person reads them."""

from __future__ import annotations

import re

UNDEFINED = "n/a"
KNOWN = {"f1": "F1", "auroc": "AUROC"}
CALLED = {"true_positive_rate": "recall", "positive_predictive_value": "precision", "samples": "pictures"}


def words(name: str) -> str:
    """Return the name of a figure as a person reads it: "macro_f1" as "Macro F1"."""
    text = " ".join(KNOWN.get(part, part) for part in CALLED.get(name, name).split("_"))
    return text[:1].upper() + text[1:]


def natural(text: str) -> tuple[tuple[float, str], ...]:
    """Return what texts are sorted by so that numbers in them count as such: "3-9" comes before "10-19"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return (*((float(part), "") if part[0] in "0123456789" else (float("inf"), part) for part in parts),)


def number(value: float | None) -> str:
    """Return a figure with three decimals, whole numbers and yes or no without, "n/a" where it is not defined."""
    if value is None:
        return UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
