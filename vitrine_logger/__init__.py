"""Write down what a network says of the same pictures after each epoch, in PyTorch, Keras or anything else.

    from vitrine_logger import PredictionLogger

    logger = PredictionLogger("run.npz", actual=labels, names=["cat", "dog"])
    for epoch in range(20):
        ...
        logger.epoch(model_outputs, train_loss=0.3, val_acc=0.9)

The file is whole after every epoch, so that it can be looked at while training goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class PredictionLogger:
    """Collects predictions and writes them as npz.

    actual: (n,) true classes, counted from 0, of the pictures that are asked after every epoch, always in the same
    order. names: of the classes. ids, images: (n,) a name and a file for each picture.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        actual: Sequence[int],
        names: Sequence[str],
        ids: Sequence[str] | None = None,
        images: Sequence[str] | None = None,
    ) -> None:
        self.path = Path(path)
        self._fixed = {"actual": np.asarray(actual, np.int64), "labels": np.asarray(names, np.str_)}
        self._fixed |= {k: np.asarray(v, np.str_) for k, v in (("ids", ids), ("images", images)) if v is not None}
        self._predictions: list[np.ndarray] = []
        self._curves: list[dict[str, float]] = []

    def epoch(self, outputs: Any, **curves: float) -> None:
        """Add an epoch: scores (n, K) or classes (n,) as an array or tensor, and figures such as train_loss=0.3.

        Raises ValueError where there is not one for each picture.
        """
        values = np.asarray(outputs.detach().cpu() if hasattr(outputs, "detach") else outputs)
        classes = values.argmax(axis=1) if values.ndim == 2 else values
        if classes.shape != self._fixed["actual"].shape:
            raise ValueError(f"Expected predictions of {len(self._fixed['actual'])} pictures; got {classes.shape}.")
        self._predictions.append(classes.astype(np.int64))
        self._curves.append({name: float(value) for name, value in curves.items()})
        self._write()

    def keras_callback(self, inputs: Any) -> Any:
        """Return a callback for `model.fit` that asks the model for `inputs` after every epoch."""
        import keras

        def log(model: Any, logs: dict[str, float]) -> None:
            self.epoch(model.predict(inputs, verbose=0), **{_usual(name): value for name, value in logs.items()})

        return _callback(keras, log)

    def _write(self) -> None:
        names = {name for curves in self._curves for name in curves}
        curves = {name: np.array([one.get(name, np.nan) for one in self._curves]) for name in sorted(names)}
        arrays: dict[str, Any] = {"predictions": np.stack(self._predictions, axis=1), **self._fixed, **curves}
        part = self.path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(part, self.path)


def _callback(keras: Any, log: Callable[[Any, dict[str, float]], None]) -> Any:
    class Logging(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            log(self.model, logs or {})

    return Logging()


def _usual(name: str) -> str:
    """Return the name that a curve of Keras usually has."""
    return {"loss": "train_loss", "accuracy": "train_acc", "val_accuracy": "val_acc"}.get(name, name)
