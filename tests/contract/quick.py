"""Each method with so few passes that all of them can be tried."""

from __future__ import annotations

from xai_core.errors import MissingCapability
from xai_core.method import Method
from xai_core.params import Size
from xai_core.types import Card

FEW = {"patch": 56, "stride": 56, "grid": 4, "count": 12}
FEWEST = ("steps", "samples", "channels", "rows", "permutations")  # of these the least that is allowed


def quick(method: type[Method], card: Card, size: Size) -> Method:
    """Return the method with few passes, for a model's input of `size`."""
    params = [p for p in method.params if p.kind in (int, float) and p.range]
    known = {p.name: min(FEW[p.name], int(p.range.upper(size))) for p in params if p.name in FEW}
    fewest = {p.name: p.kind(p.range.low) for p in params if p.name in FEWEST}
    return method.suited(card, size, known | fewest)


def why_not(method: type[Method], card: Card) -> str:
    """Return why a model can not be explained by the method, or nothing."""
    try:
        method.check_model(card)
    except MissingCapability as reason:
        return str(reason)
    return ""
