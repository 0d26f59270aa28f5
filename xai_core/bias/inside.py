"""Measure what a classifier encodes about an attribute: in its outputs, and in a layer.

Source: Wang and others, Balanced Datasets Are Not Enough, 2019, arXiv 1811.08489 (leakage); David, Liu, Fong, Debiasing
Convolutional Neural Networks via Meta Orthogonalization, 2020, arXiv 2011.07453 (projection and sensitivity bias).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold

from xai_core.bias.attackers import ATTACKERS, MOST_STEPS, Attacker, by_class
from xai_core.bias.groups import attribute
from xai_core.bias.predictions import Mask, Predictions
from xai_core.bias.progress import Progress, ignore_progress, part_of
from xai_core.bias.settings import Attack
from xai_core.bias.values import Value, defined
from xai_core.errors import DataError
from xai_core.types import Doubles, Floats, Indices, Texts
from xai_core.wording import natural

FOLDS = 5
LEAST_PROBABILITY = 1e-7  # below it a float32 is rounded away
LEAKAGE = {  # the accuracies of `Leakage`, with what each says
    "model": ("Model", "From the model's probabilities: what its outputs reveal about the attribute."),
    "predictions": ("Predictions", "From the predicted class alone."),
    "labels": ("Labels", "From the true class alone. This much is in the data and not the model's fault."),
    "chance": ("Chance", "Chance level (blind guessing)."),
}


@dataclass(frozen=True)
class Leakage:
    """How accurately an attacker predicts an attribute from a model's outputs, on pictures it was not trained on.

    Balanced accuracies: every value has equal weight. For two values it is 0.5 + |accuracy - 0.5|, since an attacker
    that is always wrong knows as much. attacker: its name in `ATTACKERS`. chance: the accuracy of blind guessing.
    model: from the logits. predictions: from the predicted class alone; None if there is only one. labels: from the
    true class alone, which is not the model's fault. left_out: values with too few pictures.
    """

    attacker: str
    values: tuple[str, ...]
    samples: int
    chance: float
    model: Value
    predictions: Value
    labels: Value
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Probes:
    """Directions in a layer that stand for a concept.

    classes: (K, C), NaN for a class with no pictures or with all of them. values: of the attribute, by name, (C,) each.
    """

    classes: Doubles
    values: dict[str, Doubles]

    def towards(self, value: str, origin: str) -> Doubles:
        """Return the direction (C,) from `origin` to `value`."""
        return self.values[value] - self.values[origin]


def leakage(
    predictions: Predictions,
    name: str,
    logits: Floats | None = None,
    attack: Attack | None = None,
    seed: int = 0,
    progress: Progress = ignore_progress,
) -> Leakage:
    """Return how accurately the attribute `name` can be predicted, out of fold, from logits and from a class alone.

    logits: (n, K) of the model; the logarithm of the probabilities if None. progress: receives the share that is done,
    and can raise to stop it. Raises DataError if there is no such attribute, or fewer than two values with at least
    as many pictures as folds.
    """
    attack = attack or Attack()
    values = attribute(predictions, name)
    enough, few = _enough(values, name)
    which = np.isin(values, enough)
    part, known = predictions.chosen(which), values[which]
    features = _log(part.probabilities) if logits is None else logits[which]
    return Leakage(
        attacker=attack.attacker,
        values=enough,
        samples=len(part),
        chance=1 / len(enough),
        model=_accuracy(ATTACKERS[attack.attacker], features, known, seed, progress),
        predictions=_accuracy(by_class, part.predicted, known, seed),
        labels=_accuracy(by_class, part.truth, known, seed),
        left_out=few,
    )


def folded(accuracy: float) -> float:
    """Return the leakage that an accuracy on two values stands for: 0.5 for none, 1 for complete."""
    return 0.5 + abs(accuracy - 0.5)


def pooled(values: Floats) -> Floats:
    """Return the spatial mean of a layer's output, or of its gradient: (n, h, w, C) to (n, C)."""
    return np.asarray(values.mean(axis=(1, 2), dtype=np.float64), np.float32)


def probes(activations: Floats, truth: Indices, classes: int, values: Texts) -> Probes:
    """Fit a linear probe to pooled activations (n, C) for each class against the rest, and for each attribute value.

    truth: (n,) classes. values: (n,) of the attribute; pictures whose value is unknown are left out of its probes.
    Both sides of a probe have equal weight.
    """
    scaled = _scaled(activations)
    directions = np.stack([_direction(scaled, truth == label) for label in range(classes)])
    known = values != ""
    names = [str(name) for name in np.unique(values[known])]
    return Probes(directions, {name: _direction(scaled[known], values[known] == name) for name in names})


def projection_bias(directions: Doubles, towards: Doubles) -> list[Value]:
    """Return how far each class's direction (K, C) points along an attribute (C,): the cosine, 0 for not at all."""
    return [defined(cosine) for cosine in _cosines(directions, towards)]


def sensitivity_bias(gradients: Floats, truth: Indices, towards: Doubles, classes: int) -> list[Value]:
    """Return how much a step along an attribute (C,) raises each class, averaged over its pictures.

    gradients: (n, C) of the true class's logit with respect to a layer, pooled. The value is the cosine of both; a
    zero gradient counts as 0. None for a class without pictures.
    """
    cosines = np.nan_to_num(_cosines(gradients.astype(np.float64), towards))
    own = [truth == label for label in range(classes)]
    return [defined(cosines[which].mean()) if which.any() else None for which in own]


def mean_size(biases: Sequence[Value]) -> Value:
    """Return the mean absolute value of those that are defined."""
    known = [abs(bias) for bias in biases if bias is not None]
    return sum(known) / len(known) if known else None


def _enough(values: Texts, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the values with enough pictures, and those with too few; DataError if fewer than two have enough."""
    names, counts = np.unique(values[values != ""], return_counts=True)
    enough, few = (tuple(sorted(map(str, names[which]), key=natural)) for which in (counts >= FOLDS, counts < FOLDS))
    if len(enough) < 2:
        raise DataError(
            f"Leakage needs at least two values of {name} with {FOLDS} pictures or more each; here "
            f"{len(enough) or 'no'} value{'' if len(enough) == 1 else 's'} of {name} has that many."
        )
    return enough, few


def _accuracy(
    attacker: Attacker,
    features: NDArray[Any] | None,
    values: Texts,
    seed: int,
    progress: Progress = ignore_progress,
) -> Value:
    """Return an attacker's balanced accuracy, out of fold; None without features, or if all are the same."""
    if features is None or (features == features[:1]).all():
        return None
    predicted = np.empty_like(values)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, values)
    for done, (train, test) in enumerate(folds):
        predicted[test] = attacker(features[train], values[train], features[test], part_of(progress, done, FOLDS))
    accuracy = float(balanced_accuracy_score(values, predicted))
    return folded(accuracy) if len(np.unique(values)) == 2 else accuracy


def _log(probabilities: Floats | None) -> Floats | None:
    return None if probabilities is None else np.log(np.maximum(probabilities, np.float32(LEAST_PROBABILITY)))


def _scaled(activations: Floats) -> Doubles:
    """Centre activations and scale them to unit size as a whole, which changes no direction."""
    centred = activations - activations.mean(axis=0, dtype=np.float64)
    size = float(centred.std())
    return np.asarray(centred / size if size > 0 else centred, np.float64)


def _direction(features: Doubles, own: Mask) -> Doubles:
    if own.all() or not own.any():
        return np.full(features.shape[1], np.nan)
    probe = LogisticRegression(class_weight="balanced", max_iter=MOST_STEPS).fit(features, own)
    return np.asarray(probe.coef_[0], np.float64)


def _cosines(rows: Doubles, direction: Doubles) -> Doubles:
    sizes = np.linalg.norm(rows, axis=1) * np.linalg.norm(direction)
    cosines: Doubles = np.divide(rows @ direction, sizes, out=np.full(len(rows), np.nan), where=sizes > 0)
    return cosines
