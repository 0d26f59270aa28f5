"""Log what a network predicts for the same pictures after each epoch, in PyTorch, Keras or any other framework.

    from vitrine_logger import PredictionLogger

    logger = PredictionLogger("run.npz", actual=labels, names=["cat", "dog"])
    for epoch in range(20):
        ...
        logger.epoch(model(pictures), train_loss=0.3, val_acc=0.9)

The file is complete after every epoch, so it can be viewed during training. It needs only numpy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

NO_DATA = -1


class PredictionLogger:
    """Collects predictions and writes them as npz.

    actual: (n,) true classes, counted from 0, of the pictures predicted after every epoch, always in the same order.
    names: of the K classes. ids, images: (n,) a name and a file for each picture. pictures: (n, h, w) or (n, h, w, 3)
    thumbnails, as uint8 or as floats in 0..1. Raises ValueError if these do not fit together.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        actual: Sequence[int],
        names: Sequence[str],
        ids: Sequence[str] | None = None,
        images: Sequence[str] | None = None,
        pictures: Any = None,
    ) -> None:
        self.path = Path(path)
        self._actual, self._names = np.asarray(actual, np.int64), np.asarray(names, np.str_)
        _check_classes(self._actual, len(self._names))
        self._fixed: dict[str, np.ndarray] = {"actual": self._actual, "labels": self._names}
        self._fixed |= self._optional(ids, images, pictures)
        self._predictions: list[np.ndarray] = []
        self._curves: list[dict[str, float]] = []

    def _optional(
        self, ids: Sequence[str] | None, images: Sequence[str] | None, pictures: Any
    ) -> dict[str, np.ndarray]:
        """Return ids, images and thumbnails as far as they are set, one per picture."""
        arrays = {
            key: np.asarray(names, np.str_) for key, names in (("ids", ids), ("images", images)) if names is not None
        }
        if pictures is not None:
            arrays["pictures"] = _thumbnails(_as_array(pictures))
        for key, array in arrays.items():
            if len(array) != len(self._actual):
                raise ValueError(f"Expected {len(self._actual)} {key}, one for each; got {len(array)}.")
        return arrays

    def epoch(self, outputs: Any, **curves: float) -> None:
        """Add an epoch: scores (n, K) or classes (n,) as an array or tensor, and curves such as train_loss=0.3.

        A picture with non-finite scores, or with class -1, has no data in this epoch. Raises ValueError if there is not
        one prediction per picture, or one is not a class.
        """
        classes = _classes(_as_array(outputs), len(self._names))
        if classes.shape != self._actual.shape:
            raise ValueError(f"Expected predictions for {len(self._actual)} pictures; got {classes.shape}.")
        _check_classes(classes, len(self._names))
        self._predictions.append(classes)
        self._curves.append({name: float(value) for name, value in curves.items()})
        self._write()

    def keras_callback(self, inputs: Any) -> Any:
        """Return a callback for `model.fit` that logs the predictions for `inputs` after every epoch."""
        import keras

        def log(model: Any, logs: dict[str, float]) -> None:
            self.epoch(model.predict(inputs, verbose=0), **{_curve_name(name): value for name, value in logs.items()})

        return _callback(keras, log)

    def _write(self) -> None:
        names = sorted({name for curves in self._curves for name in curves} - set(self._fixed) - {"predictions"})
        curves = {name: np.array([epoch.get(name, np.nan) for epoch in self._curves]) for name in names}
        small = np.int16 if len(self._names) <= np.iinfo(np.int16).max else np.int64
        predictions = np.stack(self._predictions, axis=1).astype(small)
        arrays: dict[str, Any] = {"predictions": predictions, **self._fixed, **curves}
        part = self.path.with_name(f"{self.path.name}.part")
        with part.open("wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(part, self.path)


def _as_array(outputs: Any) -> np.ndarray:
    """Return a tensor or array-like as an array; PyTorch's bfloat16, which numpy lacks, as float32."""
    if hasattr(outputs, "detach"):
        outputs = outputs.detach().cpu()
        outputs = outputs.float() if outputs.is_floating_point() else outputs
    return np.asarray(outputs)


def _classes(values: np.ndarray, count: int) -> np.ndarray:
    if values.ndim == 1 and values.dtype.kind in "iu":
        return values.astype(np.int64)
    if values.ndim != 2 or values.shape[1] != count:
        raise ValueError(
            f"Expected scores for {count} classes per picture, or classes as whole numbers; got {values.shape} of "
            f"{values.dtype}. For a single output, pass classes such as (outputs[:, 0] > 0.5).astype(int)."
        )
    return np.where(np.isfinite(values).all(axis=1), values.argmax(axis=1), NO_DATA)


def _check_classes(classes: np.ndarray, count: int) -> None:
    if classes.size and not (classes.min() >= NO_DATA and classes.max() < count):
        raise ValueError(f"There are {count} classes, 0 to {count - 1}; got {classes.min()} to {classes.max()}.")


def _thumbnails(pictures: np.ndarray) -> np.ndarray:
    if pictures.dtype.kind == "f":
        pictures = np.rint(np.clip(pictures, 0, 1) * 255)
    fits = pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[3] in (1, 3))
    if not fits or (pictures.size and not 0 <= pictures.min() <= pictures.max() <= 255):
        raise ValueError(f"Expected pictures (n, h, w) or (n, h, w, 3), 0 to 255; got {pictures.shape}.")
    return pictures.astype(np.uint8)


def _callback(keras: Any, log: Callable[[Any, dict[str, float]], None]) -> Any:
    class Logging(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            log(self.model, logs or {})

    return Logging()


def _curve_name(name: str) -> str:
    """Return the common name for a Keras curve."""
    return {"loss": "train_loss", "accuracy": "train_acc", "val_accuracy": "val_acc"}.get(name, name)
