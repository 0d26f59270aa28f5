"""Attackers: what learns to tell an attribute from what a model says.

Each takes features (n, F) and values (n,) to learn from and features (m, F) to tell the values of, (m,). Values count
alike, however many pictures each has. `tell` hears which share of the learning is done, and may raise to stop it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xai_core.bias.progress import Tell
from xai_core.bias.settings import AttackerName
from xai_core.types import Indices, Texts

Attacker = Callable[[NDArray[Any], Texts, NDArray[Any], Tell], Texts]
MOST_STEPS = 1000  # of the logistic regression
HIDDEN, BATCH, PASSES, LEAST_STEPS = 100, 64, 20, 500  # of the MLP
SEED = 0


def by_line(features: NDArray[Any], values: Texts, asked: NDArray[Any], tell: Tell) -> Texts:
    """Tell values by logistic regression."""
    probe = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=MOST_STEPS))
    told = np.asarray(probe.fit(features, values).predict(asked))
    tell(1.0)
    return told


def by_network(features: NDArray[Any], values: Texts, asked: NDArray[Any], tell: Tell) -> Texts:
    """Tell values by a network with a hidden layer of 100 units (ReLU, Adam), after 20 passes, or more up to 500 steps.

    How long it learns is fixed beforehand: the best pass by what is asked would look better than it is.
    """
    scaler = StandardScaler().fit(features)
    names, counts = np.unique(values, return_counts=True)
    weights = (len(values) / len(names) / counts)[np.searchsorted(names, values)]
    batch = min(BATCH, len(values))
    probe = MLPClassifier((HIDDEN,), batch_size=batch, random_state=SEED)
    passes = max(PASSES, -(-LEAST_STEPS // -(-len(values) // batch)))
    scaled = scaler.transform(features)
    for done in range(1, passes + 1):
        probe.partial_fit(scaled, values, classes=names, sample_weight=weights)
        tell(done / passes)
    return np.asarray(probe.predict(scaler.transform(asked)))


def by_class(classes: Indices, values: Texts, asked: Indices, tell: Tell) -> Texts:
    """Tell the value that is most frequent in a class (n,), where all values are equally frequent in the whole."""
    names, numbers = np.unique(values, return_inverse=True)
    counts = np.zeros((max(classes.max(), asked.max()) + 1, len(names)))
    np.add.at(counts, (classes, numbers), 1)
    tell(1.0)
    return np.asarray(names[(counts / counts.sum(axis=0)).argmax(axis=1)[asked]])


ATTACKERS: dict[AttackerName, Attacker] = {"linear": by_line, "MLP": by_network}
