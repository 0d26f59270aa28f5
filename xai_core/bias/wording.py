"""Names and numbers as a person reads them."""

from __future__ import annotations

UNDEFINED = "n/a"
KNOWN = {"f1": "F1", "auroc": "AUROC"}


def words(name: str) -> str:
    """Return the name of a figure as a person reads it: "macro_f1" as "Macro F1"."""
    text = " ".join(KNOWN.get(part, part) for part in name.split("_"))
    return text[:1].upper() + text[1:]


def number(value: float | None) -> str:
    """Return a figure with three decimals, whole numbers and yes or no without, "n/a" where it is not defined."""
    if value is None:
        return UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
