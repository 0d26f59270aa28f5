"""Histories as npz: arrays of numbers and texts, never Python objects."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.errors import DataError
from xai_core.training.checking import LARGEST, LONGEST_SIDE, MOST_CURVES, check_cells, check_count, whole
from xai_core.training.confidences import Noted, of_predictions
from xai_core.training.history import History
from xai_core.types import Doubles, Indices, Texts
from xai_core.untrusted.npz import Arrays, Npz
from xai_core.untrusted.texts import text_array
from xai_core.wording import some

PROBS = "probs"
ARRAYS = frozenset({"predictions", "actual", "labels", "ids", "epochs", "images", "pictures", PROBS, "confidence"})
NO_NAMES = ARRAYS | {"file", "allow_pickle"}  # arguments of the function that writes an npz


def from_npz(data: bytes, name: str) -> History:
    """Read predictions (n, E) and actual (n,), and if present labels, ids, epochs, images, pictures and curves.

    Of probs (n, E, K) the probability of each prediction is kept; confidence (n, E) is that already. Any other array
    of E numbers is a curve. Raises DataError if the arrays do not fit together; probabilities that do not fit are
    dropped with a note.
    """
    arrays, notes = _opened(data)
    predictions, actual = _required(arrays)
    count, epochs = predictions.shape
    labels = _labels(arrays, predictions, actual)
    confidence, doubts = _confidence(arrays, predictions, len(labels))
    return History(
        name,
        labels,
        predictions,
        actual,
        _texts(arrays, "ids", count),
        tuple(_texts(arrays, "epochs", epochs).tolist()),
        _texts(arrays, "images", count) if "images" in arrays else None,
        _curves(arrays, epochs),
        notes=(*notes, *doubts),
        pictures=_pictures(arrays["pictures"], count) if "pictures" in arrays else None,
        confidence=confidence,
    )


def to_npz(history: History) -> bytes:
    """Return a history as the npz that `from_npz` reads."""
    small = np.int16 if len(history.labels) < np.iinfo(np.int16).max else np.int64
    arrays: dict[str, Any] = {
        "predictions": history.predictions.astype(small),
        "actual": history.actual.astype(small),
        "labels": np.array(history.labels, np.str_),
        "ids": history.ids,
        "epochs": np.array(history.epochs, np.str_),
        **{name: values for name, values in history.curves.items() if name not in NO_NAMES},
    }
    optional = ("images", history.images), ("pictures", history.pictures), ("confidence", history.confidence)
    arrays |= {name: values for name, values in optional if values is not None}
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    return written.getvalue()


def _required(arrays: Arrays) -> tuple[Indices, Indices]:
    """Return predictions (n, E) and actual (n,). Raises DataError if they are missing or do not fit together."""
    if not {"predictions", "actual"} <= set(arrays):
        raise DataError(f"Expected an npz with predictions and actual; got {some(list(arrays)) or 'nothing'}.")
    predictions, actual = (whole(arrays[key], key) for key in ("predictions", "actual"))
    if predictions.ndim != 2 or actual.shape != predictions.shape[:1]:
        raise DataError(
            f"Expected predictions (pictures, epochs) and actual (pictures); got {predictions.shape}, {actual.shape}."
        )
    check_cells(*predictions.shape)
    return predictions, actual


def _opened(data: bytes) -> tuple[Arrays, list[str]]:
    """Return the arrays, and what was dropped; their unpacked size is checked before any is unpacked."""
    file = Npz(data)
    probs = file.sizes.get(PROBS, 0)
    unpacked = sum(file.sizes.values()) - probs
    if unpacked > LARGEST:
        raise DataError(
            f"The npz unpacks to {unpacked >> 20} MB; at most {LARGEST >> 20} MB are read. Leave out pictures or make "
            "them smaller."
        )
    arrays = {name: file.array(name) for name in file.sizes if name != PROBS or probs <= LARGEST}
    note = (
        f"probs unpacks to {probs >> 20} MB and was dropped; at most {LARGEST >> 20} MB are read. Save it as float16."
    )
    return arrays, [note] if probs > LARGEST else []


def _confidence(arrays: Arrays, predictions: Indices, classes: int) -> Noted:
    name = next((key for key in (PROBS, "confidence") if key in arrays), None)
    fits = predictions.max(initial=0) < classes  # if not, the check of the history says so
    return (None, ()) if name is None or not fits else of_predictions(arrays[name], predictions, classes, name)


def _labels(arrays: Arrays, predictions: Indices, actual: Indices) -> tuple[str, ...]:
    """Return the labels; whether the predictions have more classes is left to the check of the history."""
    if "labels" in arrays:
        check_count(arrays["labels"].size)
        return tuple(text_array([str(label) for label in np.ravel(arrays["labels"]).tolist()], "labels").tolist())
    occurring = int(max(predictions.max(initial=0), actual.max(initial=0))) + 1
    check_count(occurring)
    classes = max(occurring, _scored_classes(arrays.get(PROBS), predictions.shape))
    check_count(classes)
    return tuple(f"class {n}" for n in range(classes))


def _scored_classes(probs: NDArray[Any] | None, shape: tuple[int, ...]) -> int:
    """Return how many classes probabilities (n, E, K) cover, if they fit predictions of that shape (n, E)."""
    return probs.shape[2] if probs is not None and probs.ndim == 3 and probs.shape[:2] == shape else 0


def _texts(arrays: Arrays, key: str, count: int) -> Texts:
    if key not in arrays:
        return np.array([str(n) for n in range(count)], np.str_)
    values = np.ravel(arrays[key])
    if len(values) != count:
        raise DataError(f"The npz has {len(values)} {key}; expected {count}, one for each.")
    return text_array([str(value) for value in values.tolist()], key)


def _curves(arrays: Arrays, epochs: int) -> dict[str, Doubles]:
    others = {key: array for key, array in arrays.items() if key not in ARRAYS and array.dtype.kind in "iufb"}
    curves = {key: array.astype(np.float64) for key, array in others.items() if array.shape == (epochs,)}
    return dict(list(curves.items())[:MOST_CURVES])


def _pictures(array: NDArray[Any], count: int) -> NDArray[np.uint8]:
    if array.ndim == 3:
        array = array[..., None]
    if array.dtype != np.uint8 or array.ndim != 4 or len(array) != count or array.shape[3] not in (1, 3):
        raise DataError(f"Expected pictures ({count}, height, width, 3) of uint8; got {array.shape} of {array.dtype}.")
    if not 0 < max(array.shape[1:3]) <= LONGEST_SIDE or min(array.shape[1:3]) < 1:
        raise DataError(f"Pictures in a history have sides of 1 to {LONGEST_SIDE} pixels; got {array.shape[1:3]}.")
    return np.broadcast_to(array, (*array.shape[:3], 3))
