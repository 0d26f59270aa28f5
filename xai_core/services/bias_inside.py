"""Asking the model itself about labelled pictures: what a layer holds of an attribute, and where it looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xai_core.bias.attribution_means import MeanMap, difference_map, mean_maps
from xai_core.bias.classes import Mark
from xai_core.bias.groups import attribute
from xai_core.bias.inside import mean_size, probes, projection_bias, sensitivity_bias
from xai_core.bias.picture_set import PictureSet
from xai_core.bias.predictions import Predictions
from xai_core.bias.progress import Tell, unheard
from xai_core.errors import DataError
from xai_core.jobs.base import Runner
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.pool_layer import PoolLayer
from xai_core.method import Method
from xai_core.services.asking import at_once
from xai_core.services.preparation import Prepared
from xai_core.types import Floats, Indices

MOST_PICTURES, LEAST_A_VALUE = 600, 10
MOST_MAPS = 24  # of each group


@dataclass(frozen=True)
class LayerBias:
    """How far a layer tells two values of an attribute apart, along each class.

    projection, sensitivity: of each class, as `xai_core.bias.inside` has them; the sizes are means of their absolute
    values. samples: how many pictures were asked.
    """

    layer: str
    values: tuple[str, str]
    projection: tuple[Mark, ...]
    sensitivity: tuple[Mark, ...]
    projection_size: Mark
    sensitivity_size: Mark
    samples: int


def layer_bias(
    runner: Runner,
    prepared: Prepared,
    pictures: PictureSet,
    found: Predictions,
    layer: str,
    name: str,
    values: tuple[str, str],
    seed: int = 0,
    tell: Tell = unheard,
) -> LayerBias:
    """Ask a layer about pictures of two values of an attribute, at most 600, as many of each as there are.

    tell: hears which share of the asking is done, and may raise to stop it.
    Raises DataError where a value has too few pictures, or the predictions are of other classes than the model's.
    """
    _check_classes(prepared, found)
    own = attribute(found, name)
    rows = np.concatenate([_drawn(own == value, MOST_PICTURES // 2, seed, value) for value in values])
    images = _images(prepared, pictures, found, rows)
    activations, gradients = _pooled(runner, prepared, images, found.truth[rows], layer, tell)
    found_probes = probes(activations, found.truth[rows], found.classes, own[rows])
    towards = found_probes.towards(*values)
    projection = projection_bias(found_probes.classes, towards)
    sensitivity = sensitivity_bias(gradients, found.truth[rows], towards, found.classes)
    sizes = mean_size(projection), mean_size(sensitivity)
    return LayerBias(layer, values, tuple(projection), tuple(sensitivity), *sizes, len(rows))


def mean_looks(
    runner: Runner,
    prepared: Prepared,
    pictures: PictureSet,
    found: Predictions,
    method: Method,
    name: str,
    values: tuple[str, str],
    seed: int = 0,
    tell: Tell = unheard,
) -> tuple[MeanMap, MeanMap, MeanMap]:
    """Return the mean map of the predicted class for pictures of each of two values, and the difference.

    At most 24 pictures of each are explained, and each map counts alike. tell: as for `layer_bias`, which raises
    the same.
    """
    _check_classes(prepared, found)
    own = attribute(found, name)
    rows = np.concatenate([_drawn(own == value, MOST_MAPS, seed, value) for value in values])
    images = _images(prepared, pictures, found, rows)
    way, source = prepared.preprocessing, prepared.source
    maps = []
    for done, (image, row) in enumerate(zip(images, rows, strict=True), 1):
        maps.append(runner.ask(source, Explain(way, method, image, found.predicted[[row]])).result().maps[0])
        tell(done / len(rows))
    means = mean_maps(np.stack(maps), own[rows])
    one, other = (means[value] for value in values)
    return one, other, difference_map(one, other)


def _check_classes(prepared: Prepared, found: Predictions) -> None:
    if prepared.card.classes != found.classes:
        raise DataError(
            f"The model that is open has {prepared.card.classes} classes, but these predictions have {found.classes}; "
            "open the model that made them."
        )


def _drawn(which: np.ndarray, most: int, seed: int, value: str) -> Indices:
    rows = np.flatnonzero(which)
    if len(rows) < LEAST_A_VALUE:
        raise DataError(f"{value[:40]!r} has {len(rows)} pictures here; at least {LEAST_A_VALUE} are needed.")
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def _images(prepared: Prepared, pictures: PictureSet, found: Predictions, rows: Indices) -> Floats:
    """Return the pictures of some rows as the model sees them, (m, H, W, 3)."""
    assert found.files is not None, "Predictions that are held have names for their pictures."
    numbers = {str(file): number for number, file in enumerate(pictures.files)}
    names = [str(found.files[row]) for row in rows]
    return np.stack([prepared.preprocessing.place(pictures.picture(numbers[one]).pixels) for one in names])


def _pooled(
    runner: Runner, prepared: Prepared, images: Floats, targets: Indices, layer: str, tell: Tell
) -> tuple[Floats, Floats]:
    size, answers = at_once(prepared.preprocessing), []
    for at in (slice(start, start + size) for start in range(0, len(images), size)):
        question = PoolLayer(prepared.preprocessing, images[at], targets[at], layer)
        answers.append(runner.ask(prepared.source, question).result())
        tell(min(at.stop, len(images)) / len(images))
    values, gradients = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    return values, gradients
