"""The bytes from which the heatmap is drawn: header length (uint32), JSON header, rows, bars, numbers, thumbnails.

Where probabilities are known, the confidence of each cell comes between numbers and thumbnails.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import numpy as np

from vitrine.ui.components.heatmap.sprites import SpriteSheet
from xai_core.training.class_colours import CLASS_COLOURS
from xai_core.training.history import NO_DATA, History
from xai_core.training.measures import EpochMeasures, InstanceMeasures
from xai_core.types import Indices

BARS = (
    ("frequency", "Frequency"),
    ("variability", "Variability"),
    ("misclassification_rate", "Wrong"),
)
UNDEFINED, FULL = 255, 254
SHARES = ("acc", "churn", "confidence")  # in the names of curves from 0 to 1
OWN_ACCURACY, OWN_CHURN = "accuracy of these pictures", "churn of these pictures"
OWN_CONFIDENCE = "confidence in these pictures"


def pack(
    history: History,
    numbers: Indices,
    measures: InstanceMeasures,
    by_epoch: EpochMeasures,
    sprites: SpriteSheet | None,
    chosen: int | None,
    turn: int,
) -> bytes:
    """Return everything that the browser needs.

    numbers: of the pictures shown as rows, in order. measures, by_epoch: for the whole history. sprites: of all its
    pictures. chosen: number of a picture. turn: of the last choice by the browser that Python received; a later
    choice in the browser overrides `chosen`.
    """
    kind = np.dtype("u1") if len(history.labels) <= UNDEFINED else np.dtype("<u2")
    rows = _classes(history.predictions[numbers], kind).tobytes() + _classes(history.actual[numbers], kind).tobytes()
    bars = b"".join(_shares(getattr(measures, name)[numbers]).tobytes() for name, _ in BARS)
    header = {
        "rows": len(numbers),
        "of": len(history),
        "epochs": history.epochs,
        "labels": history.labels,
        "colours": CLASS_COLOURS,
        "wide": kind.itemsize,
        "ids": history.ids[numbers].tolist(),
        "bars": [title for _, title in BARS],
        "curves": _curves(history, by_epoch),
        "chosen": chosen,
        "turn": turn,
        "sure": history.confidence is not None,
        "order": zlib.crc32(numbers.tobytes()),
        "sprites": sprites and {name: getattr(sprites, name) for name in ("digest", "columns", "width", "height")},
    }
    text = json.dumps(header, allow_nan=False).encode()
    jpeg = sprites.jpeg if sprites else b""
    sure = b"" if history.confidence is None else _shares(history.confidence[numbers]).tobytes()
    return struct.pack("<I", len(text)) + text + rows + bars + numbers.astype("<u4").tobytes() + sure + jpeg


def _classes(values: Indices, kind: np.dtype[Any]) -> np.ndarray:
    return np.where(values == NO_DATA, np.iinfo(kind).max, values).astype(kind)


def _shares(values: np.ndarray) -> np.ndarray:
    """Return shares from 0 to 1 as bytes; 255 means undefined."""
    return np.where(np.isnan(values), UNDEFINED, np.rint(np.nan_to_num(values) * FULL)).astype(np.uint8)


def _curves(history: History, by_epoch: EpochMeasures) -> list[dict[str, Any]]:
    own = {OWN_ACCURACY: by_epoch.accuracy, OWN_CHURN: np.array([np.nan, *by_epoch.churn])}
    own |= {} if history.confidence is None else {OWN_CONFIDENCE: by_epoch.confidence}
    return [
        {"name": name, "strip": _strip(name), "values": [_number(value) for value in values]}
        for name, values in (history.curves | own).items()  # type: ignore[operator]
        if np.isfinite(values).any()
    ]


def _strip(name: str) -> str:
    """Return the scale that a curve shares: losses have one, values from 0 to 1 have one, any other has its own."""
    words = name.casefold()
    if "loss" in words:
        return "loss"
    return "accuracy" if any(part in words for part in SHARES) else name


def _number(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None
