"""Models with several outputs: how right each head is alone, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xai_core.bias.classes import Mark
from xai_core.bias.predictions import Predictions
from xai_core.bias.settings import INTERVAL_LEVEL
from xai_core.bias.summary import wilson
from xai_core.types import Floats, Indices

ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class HeadFigures:
    """The accuracy of a head with its Wilson interval; None where there is no picture."""

    name: str
    accuracy: Mark
    low: Mark
    high: Mark


def head_figures(found: Predictions, interval_level: float = INTERVAL_LEVEL) -> list[HeadFigures]:
    """Return the accuracy of each head, and of the ensemble where there are several; none where there are no heads."""
    guesses = {name: logits.argmax(axis=1) for name, logits in found.heads.items()}
    if len(guesses) > 1:
        guesses[ENSEMBLE] = ensemble(found.heads).argmax(axis=1)
    return [_figures(name, guess, found.truth, interval_level) for name, guess in guesses.items()]


def ensemble(heads: Mapping[str, Floats]) -> Floats:
    """Return the probabilities (n, K) of all heads together: the softmax of their mean logits (n, K)."""
    logits = np.mean(np.stack(list(heads.values())), axis=0, dtype=np.float64)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _figures(name: str, guess: Indices, truth: Indices, interval_level: float) -> HeadFigures:
    right, whole = int((guess == truth).sum()), len(truth)
    return HeadFigures(name, right / whole if whole else None, *wilson(right, whole, interval_level))
