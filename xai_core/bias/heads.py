"""Models with several outputs: the accuracy of each head, and of their ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xai_core.bias.predictions import Predictions
from xai_core.bias.rates import wilson
from xai_core.bias.settings import INTERVAL_LEVEL
from xai_core.bias.values import Value
from xai_core.types import Floats, Indices

ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class HeadFigures:
    """The accuracy of a head with its Wilson interval; None without pictures."""

    name: str
    accuracy: Value
    low: Value
    high: Value


def head_figures(predictions: Predictions, interval_level: float = INTERVAL_LEVEL) -> list[HeadFigures]:
    """Return the accuracy of each head, and of the ensemble if there are several; nothing without heads."""
    guesses = {name: logits.argmax(axis=1) for name, logits in predictions.heads.items()}
    if len(guesses) > 1:
        guesses[ENSEMBLE] = ensemble(predictions.heads).argmax(axis=1)
    return [_figures(name, guess, predictions.truth, interval_level) for name, guess in guesses.items()]


def ensemble(heads: Mapping[str, Floats]) -> Floats:
    """Return the probabilities (n, K) of all heads together: the softmax of their mean logits (n, K)."""
    logits = np.mean(np.stack(list(heads.values())), axis=0, dtype=np.float64)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _figures(name: str, guess: Indices, truth: Indices, interval_level: float) -> HeadFigures:
    correct, pictures = int((guess == truth).sum()), len(truth)
    return HeadFigures(name, correct / pictures if pictures else None, *wilson(correct, pictures, interval_level))
