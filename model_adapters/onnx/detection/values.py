"""Judge by their values what the numbers in a detector's outputs are, without a framework."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_adapters.onnx.detection.readings import BoxLayout, BoxUnit

NEAR_ONE = 1e-3
LARGEST_SHARE = 2.0  # boxes in shares reach a little beyond the picture; in pixels they reach far


def layout_of(boxes: Any) -> BoxLayout | None:
    """Return how boxes (n, 4) are laid out; None if they cannot be boxes."""
    if (boxes[:, 2:] > boxes[:, :2]).all():
        return "corners"
    return "centre and size" if (boxes[:, 2:] >= 0).all() else None


def unit_of(boxes: Any) -> BoxUnit:
    return "pixels" if np.abs(boxes).max(initial=0) > LARGEST_SHARE else "shares of the side"


def in_unit(scores: Any) -> bool:
    return bool((scores >= -NEAR_ONE).all() and (scores <= 1 + NEAR_ONE).all())


def add_up(scores: Any) -> bool:
    return bool(np.allclose(scores.sum(axis=-1), 1, atol=NEAR_ONE))


def share_won_by(scores: Any, column: int) -> float:
    """Return the share of rows (..., K) in which this column, counted from either end, has the largest value."""
    columns = scores.shape[-1]
    return float((scores.argmax(axis=-1) == column % columns).mean()) if scores.size else 0.0
