"""What a classifier knows of an attribute that it should not need: in its logits, and in a layer.

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
from xai_core.bias.classes import Mark, mark
from xai_core.bias.groups import attribute
from xai_core.bias.predictions import Predictions
from xai_core.bias.progress import Tell, part_of, unheard
from xai_core.bias.settings import Attack
from xai_core.bias.wording import natural
from xai_core.errors import DataError
from xai_core.types import Doubles, Floats, Indices, Texts

FOLDS = 5
LEAST_PROBABILITY = 1e-7  # below it a float32 is rounded away


@dataclass(frozen=True)
class Leakage:
    """How well an attribute can be told from what a model says, by a probe on pictures that it has not learnt from.

    Balanced accuracies: each value counts alike. With two values 0.5 + |accuracy - 0.5|, since a probe that is always
    wrong knows as much; otherwise the accuracy itself. attacker: what learnt to tell it, by its name in `ATTACKERS`.
    chance: what knows nothing reaches. model: from the logits. predictions: from the predicted class alone; None where
    there is but one. labels: from the true class alone, which is no fault of the model's. left_out: values with too few
    pictures to be told.
    """

    attacker: str
    values: tuple[str, ...]
    samples: int
    chance: float
    model: Mark
    predictions: Mark
    labels: Mark
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Probes:
    """Directions in a layer that mean a concept.

    classes: (K, C), NaN for a class that has no picture, or all. values: of the attribute, by name, (C,) each.
    """

    classes: Doubles
    values: dict[str, Doubles]

    def towards(self, one: str, other: str) -> Doubles:
        """Return the direction (C,) from one value of the attribute to another."""
        return self.values[one] - self.values[other]


def leakage(
    found: Predictions,
    name: str,
    logits: Floats | None = None,
    attack: Attack | None = None,
    seed: int = 0,
    tell: Tell = unheard,
) -> Leakage:
    """Return how well an attribute of that name can be told, out of fold: by an attacker from logits, and from a class
    alone by the value that is most frequent there.

    logits: (n, K) of the model; the logarithm of the probabilities where they are not given. tell: hears which share is
    done, and may raise to stop it. Raises DataError where there is no such attribute, or fewer than two values with as
    many pictures as folds.
    """
    attack = attack or Attack()
    values = attribute(found, name)
    enough, few = _enough(values, name)
    which = np.isin(values, enough)
    part, given = found.chosen(which), None if logits is None else logits[which]
    said = _log(part.probabilities) if given is None else given
    known = values[which]
    return Leakage(
        attacker=attack.attacker,
        values=enough,
        samples=len(part),
        chance=1 / len(enough),
        model=_told(ATTACKERS[attack.attacker], said, known, seed, tell),
        predictions=_told(by_class, part.predicted, known, seed),
        labels=_told(by_class, part.truth, known, seed),
        left_out=few,
    )


def folded(accuracy: float) -> float:
    """Return the leakage that an accuracy of telling two values apart means: 0.5 for none, 1 for all."""
    return 0.5 + abs(accuracy - 0.5)


def pooled(values: Floats) -> Floats:
    """Return the mean of a layer's output, or of its gradient, over the places: (n, h, w, C) to (n, C)."""
    return np.asarray(values.mean(axis=(1, 2), dtype=np.float64), np.float32)


def probes(activations: Floats, truth: Indices, classes: int, values: Texts) -> Probes:
    """Fit a linear probe to pooled activations (n, C) for each class against the others, and each value likewise.

    truth: (n,) classes. values: (n,) of the attribute; pictures of which it is not known are left out of its probes.
    Both sides of a probe count alike.
    """
    scaled = _scaled(activations)
    found = np.stack([_direction(scaled, truth == one) for one in range(classes)])
    known = values != ""
    names = [str(one) for one in np.unique(values[known])]
    return Probes(found, {name: _direction(scaled[known], values[known] == name) for name in names})


def projection_bias(directions: Doubles, towards: Doubles) -> list[Mark]:
    """Return how far each class's direction (K, C) points along an attribute (C,): the cosine, 0 for not at all."""
    return [mark(one) for one in _cosines(directions, towards)]


def sensitivity_bias(gradients: Floats, truth: Indices, towards: Doubles, classes: int) -> list[Mark]:
    """Return how far a step along an attribute (C,) raises each class, by the mean over its pictures.

    gradients: (n, C) of the true class's logit with respect to a layer, pooled. It is the cosine of both; where the
    gradient is nought it counts as 0. None for a class without pictures.
    """
    cosines = np.nan_to_num(_cosines(gradients.astype(np.float64), towards))
    return [mark(cosines[truth == one].mean()) if (truth == one).any() else None for one in range(classes)]


def mean_size(biases: Sequence[Mark]) -> Mark:
    """Return the mean absolute value of what is defined."""
    known = [abs(one) for one in biases if one is not None]
    return sum(known) / len(known) if known else None


def _enough(values: Texts, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the values with enough pictures, and those with too few; DataError where fewer than two have enough."""
    names, counts = np.unique(values[values != ""], return_counts=True)
    enough, few = (tuple(sorted(map(str, names[which]), key=natural)) for which in (counts >= FOLDS, counts < FOLDS))
    if len(enough) < 2:
        raise DataError(
            f"{name} has {len(enough)} values with at least {FOLDS} pictures; telling them apart needs two."
        )
    return enough, few


def _told(attacker: Attacker, features: NDArray[Any] | None, values: Texts, seed: int, tell: Tell = unheard) -> Mark:
    """Return how well values are told from features, out of fold; None where there are none, or all are alike."""
    if features is None or (features == features[:1]).all():
        return None
    said = np.empty_like(values)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, values)
    for done, (learnt, asked) in enumerate(folds):
        said[asked] = attacker(features[learnt], values[learnt], features[asked], part_of(tell, done, FOLDS))
    accuracy = float(balanced_accuracy_score(values, said))
    return folded(accuracy) if len(np.unique(values)) == 2 else accuracy


def _log(probabilities: Floats | None) -> Floats | None:
    return None if probabilities is None else np.log(np.maximum(probabilities, np.float32(LEAST_PROBABILITY)))


def _scaled(activations: Floats) -> Doubles:
    """Centre activations and bring them to unit size as a whole, which turns no direction."""
    centred = activations - activations.mean(axis=0, dtype=np.float64)
    size = float(centred.std())
    return np.asarray(centred / size if size > 0 else centred, np.float64)


def _direction(features: Doubles, own: NDArray[np.bool_]) -> Doubles:
    if own.all() or not own.any():
        return np.full(features.shape[1], np.nan)
    probe = LogisticRegression(class_weight="balanced", max_iter=MOST_STEPS).fit(features, own)
    return np.asarray(probe.coef_[0], np.float64)


def _cosines(rows: Doubles, other: Doubles) -> Doubles:
    sizes = np.linalg.norm(rows, axis=1) * np.linalg.norm(other)
    cosines: Doubles = np.divide(rows @ other, sizes, out=np.full(len(rows), np.nan), where=sizes > 0)
    return cosines
