"""Cases with known answers, and predictions that are drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xai_core.bias.predictions import Predictions


@pytest.fixture(scope="session")
def case(worked_case: Callable[[str], dict[str, Any]]) -> Callable[[str], tuple[dict[str, Any], dict[str, Any]]]:
    """Return what goes into a worked case, and what must come out."""
    return lambda name: (worked_case(name)["input"], worked_case(name)["expected"])


@pytest.fixture(scope="session")
def predictions() -> Callable[..., Predictions]:
    """Make predictions from true and predicted classes, or from probabilities."""

    def made(truth, predicted=None, probabilities=None, classes=None, **attributes):
        truth = np.asarray(truth, np.int64)
        if probabilities is not None:
            probabilities = np.asarray(probabilities, np.float32).reshape(len(truth), -1)
            predicted = probabilities.argmax(axis=1) if predicted is None else predicted
        predicted = np.asarray(predicted, np.int64)
        number = classes or (probabilities.shape[1] if probabilities is not None else int(max(*truth, *predicted)) + 1)
        columns = {name: np.asarray(values, np.str_) for name, values in attributes.items()}
        return Predictions("made", tuple(f"c{n}" for n in range(number)), truth, predicted, probabilities, columns)

    return made


@pytest.fixture(scope="session")
def drawn(predictions) -> Callable[..., Predictions]:
    """Draw predictions at random, with ties among the probabilities and classes and groups of any size."""

    def draw(seed: int, size: int, classes: int, groups: int = 3) -> Predictions:
        random = np.random.default_rng(seed)
        shares = random.dirichlet(np.full(classes, 0.7))
        truth = random.choice(classes, size, p=shares)
        raw = random.integers(1, 6, (size, classes)) + 3.0 * (truth[:, None] == np.arange(classes))
        colours = np.array([f"g{n}" for n in random.choice(groups, size, p=random.dirichlet(np.ones(groups)))])
        return predictions(truth, probabilities=raw / raw.sum(axis=1, keepdims=True), colour=colours)

    return draw
