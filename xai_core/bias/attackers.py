"""Attackers: classifiers that predict an attribute from a model's outputs.

Each trains on features (n, F) and values (n,), and predicts the values (m,) of test features (m, F). All values have
equal weight, however many pictures each has. `progress` receives the share of the training that is done, and can raise
to stop it.
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

from xai_core.bias.progress import Progress
from xai_core.bias.settings import AttackerName
from xai_core.types import Indices, Texts

Attacker = Callable[[NDArray[Any], Texts, NDArray[Any], Progress], Texts]
MOST_STEPS = 1000  # of the logistic regression
HIDDEN, BATCH, EPOCHS, LEAST_STEPS = 100, 64, 20, 500  # of the MLP
SEED = 0


def by_logistic_regression(
    features: NDArray[Any], values: Texts, test_features: NDArray[Any], progress: Progress
) -> Texts:
    """Predict values by logistic regression."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=MOST_STEPS))
    predicted = np.asarray(classifier.fit(features, values).predict(test_features))
    progress(1.0)
    return predicted


def by_network(features: NDArray[Any], values: Texts, test_features: NDArray[Any], progress: Progress) -> Texts:
    """Predict values by a network with one hidden layer of 100 units (ReLU, Adam), trained for 20 epochs.

    Small sets are trained for more epochs, up to 500 steps. The number is fixed beforehand: choosing the best epoch on
    the test pictures would overstate leakage.
    """
    scaler = StandardScaler().fit(features)
    names, weights = _balanced(values)
    batch = min(BATCH, len(values))
    classifier = MLPClassifier((HIDDEN,), batch_size=batch, random_state=SEED)
    epochs = max(EPOCHS, -(-LEAST_STEPS // -(-len(values) // batch)))
    scaled = scaler.transform(features)
    for done in range(1, epochs + 1):
        classifier.partial_fit(scaled, values, classes=names, sample_weight=weights)
        progress(done / epochs)
    return np.asarray(classifier.predict(scaler.transform(test_features)))


def by_class(classes: Indices, values: Texts, test_classes: Indices, progress: Progress) -> Texts:
    """Predict the value that is most frequent in a class (n,), after weighting all values equally."""
    names, numbers = np.unique(values, return_inverse=True)
    counts = np.zeros((max(classes.max(), test_classes.max()) + 1, len(names)))
    np.add.at(counts, (classes, numbers), 1)
    progress(1.0)
    return np.asarray(names[(counts / counts.sum(axis=0)).argmax(axis=1)[test_classes]])


def _balanced(values: Texts) -> tuple[Texts, NDArray[np.float64]]:
    """Return the distinct values, and a weight for each row that gives all of them the same total."""
    names, counts = np.unique(values, return_counts=True)
    return names, (len(values) / len(names) / counts)[np.searchsorted(names, values)]


ATTACKERS: dict[AttackerName, Attacker] = {"linear": by_logistic_regression, "MLP": by_network}
