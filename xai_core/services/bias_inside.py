"""Ask the model itself about labelled pictures: what a layer encodes about an attribute, and where the model looks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xai_core.bias.attribution_means import MeanMap, difference_map, mean_maps
from xai_core.bias.groups import attribute
from xai_core.bias.inside import mean_size, probes, projection_bias, sensitivity_bias
from xai_core.bias.picture_set import PictureSet
from xai_core.bias.predictions import Mask, Predictions
from xai_core.bias.progress import Progress, ignore_progress
from xai_core.bias.values import Value
from xai_core.errors import DataError
from xai_core.jobs.base import Runner
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.pool_layer import PoolLayer
from xai_core.method import Method
from xai_core.services.asking import at_once
from xai_core.services.preparation import Prepared
from xai_core.types import Floats, Indices, Texts

MOST_PICTURES, LEAST_A_VALUE = 600, 10
MOST_MAPS = 24  # of each group


@dataclass(frozen=True)
class Contrast:
    """An attribute, and the two of its values that are compared."""

    attribute: str
    values: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model with the labelled pictures it is asked about, and its predictions for some or all of them."""

    runner: Runner
    prepared: Prepared
    pictures: PictureSet
    predictions: Predictions


@dataclass(frozen=True)
class LayerBias:
    """How far a layer separates two values of an attribute, along the direction of each class.

    projection, sensitivity: one number per class, as in `xai_core.bias.inside`; the sizes are means of their absolute
    values. samples: how many pictures were used.
    """

    layer: str
    values: tuple[str, str]
    projection: tuple[Value, ...]
    sensitivity: tuple[Value, ...]
    projection_size: Value
    sensitivity_size: Value
    samples: int


def layer_bias(
    subject: Subject, layer: str, contrast: Contrast, seed: int = 0, progress: Progress = ignore_progress
) -> LayerBias:
    """Probe a layer on pictures of two attribute values, at most 300 of each.

    progress: receives the share of the pictures that is done, and can raise to stop. Raises DataError if a value has
    too few pictures, or the predictions have a different number of classes than the model.
    """
    sample, own = _sampled(subject, contrast, MOST_PICTURES // 2, seed)
    predictions = sample.predictions
    activations, gradients = _pooled(sample, layer, progress)
    fitted = probes(activations, predictions.truth, predictions.classes, own)
    towards = fitted.towards(*contrast.values)
    projection = projection_bias(fitted.classes, towards)
    sensitivity = sensitivity_bias(gradients, predictions.truth, towards, predictions.classes)
    sizes = mean_size(projection), mean_size(sensitivity)
    return LayerBias(layer, contrast.values, tuple(projection), tuple(sensitivity), *sizes, len(predictions))


def mean_looks(
    subject: Subject, method: Method, contrast: Contrast, seed: int = 0, progress: Progress = ignore_progress
) -> tuple[MeanMap, MeanMap, MeanMap]:
    """Return the mean map of the predicted class for each of two attribute values, and the difference of both.

    At most 24 pictures of each are explained; all maps have equal weight. progress and errors: as in `layer_bias`.
    """
    sample, own = _sampled(subject, contrast, MOST_MAPS, seed)
    prepared, predicted = subject.prepared, sample.predictions.predicted
    maps = []
    for row, image in enumerate(_images(sample)):
        question = Explain(prepared.preprocessing, method, image, predicted[[row]])
        maps.append(subject.runner.ask(prepared.source, question).result().maps[0])
        progress((row + 1) / len(predicted))
    means = mean_maps(np.stack(maps), own)
    first, second = (means[value] for value in contrast.values)
    return first, second, difference_map(first, second)


def _sampled(subject: Subject, contrast: Contrast, limit: int, seed: int) -> tuple[Subject, Texts]:
    """Return a random sample of at most `limit` pictures of each value, and their values (m,)."""
    classes, predictions = subject.prepared.card.classes, subject.predictions
    if classes != predictions.classes:
        raise DataError(
            f"The open model has {classes} classes, but these predictions have {predictions.classes}. Open the model "
            "that made them."
        )
    own = attribute(predictions, contrast.attribute)
    rows = np.concatenate([_drawn(own == value, limit, seed, value) for value in contrast.values])
    return replace(subject, predictions=predictions.chosen(rows)), own[rows]


def _drawn(which: Mask, limit: int, seed: int, value: str) -> Indices:
    rows = np.flatnonzero(which)
    if len(rows) < LEAST_A_VALUE:
        raise DataError(f"{value[:40]!r} has {len(rows)} pictures here; at least {LEAST_A_VALUE} are needed.")
    return np.sort(np.random.default_rng(seed).permutation(rows)[:limit])


def _images(subject: Subject) -> Floats:
    """Return the pictures of the predictions as the model sees them, (m, H, W, 3)."""
    files, preprocessing = subject.predictions.files, subject.prepared.preprocessing
    assert files is not None, "Held predictions have names for their pictures."
    numbers = {str(file): number for number, file in enumerate(subject.pictures.files)}
    pictures = (subject.pictures.picture(numbers[str(file)]) for file in files)
    return np.stack([picture.placed(preprocessing) for picture in pictures])


def _pooled(subject: Subject, layer: str, progress: Progress) -> tuple[Floats, Floats]:
    """Return a layer's pooled activations (m, C), and the gradients of the true classes' logits, (m, C)."""
    prepared, targets, images = subject.prepared, subject.predictions.truth, _images(subject)
    size, answers = at_once(prepared.preprocessing), []
    for chunk in (slice(start, start + size) for start in range(0, len(images), size)):
        question = PoolLayer(prepared.preprocessing, images[chunk], targets[chunk], layer)
        answers.append(subject.runner.ask(prepared.source, question).result())
        progress(min(chunk.stop, len(images)) / len(images))
    activations, gradients = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    return activations, gradients
