"""What the maps of a segmentation network say about it: its classes, its last function, and what it lacks."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np

from xai_core.errors import ParamError, UnsupportedModel
from xai_core.scores import ALONE, ENDS_SO, Scoring, squashed
from xai_core.segmentation.regions import mean_weights
from xai_core.types import Capability, Card, FileKind, Flags, Floats, Head, InputSpec, Layer, Layout, Score

LABELS_ONLY = (
    "This model returns the class of every pixel but no scores, so there is nothing to explain. Export it without its "
    "last step, the argmax, so that it returns the scores (N, classes, H, W)."
)
SEGMENTATION = "This model labels every pixel (segmentation)."
TWO_SIDES = "Its only map holds the scores of the foreground; those of the background are the opposite."
INDEPENDENT = "Its classes are independent. A pixel gets the most probable class if its probability reaches 0.5."
FROM_NAMES = "The file has no class names. It has 21 classes, so the names of Pascal VOC are used."
CLASSES_ONLY = "A segmentation network scores classes. Choose softmax or sigmoid; got {0}."
VOC_CLASSES = 21
SIDES = ("background", "foreground")
CLOSE = 1e-4


@cache
def voc_labels() -> tuple[str, ...]:
    """Return the 21 class names of Pascal VOC, the background first."""
    return tuple(json.loads(files(__package__).joinpath("data/voc_classes.json").read_text("utf-8")))


def check_scores(maps: list[Floats]) -> None:
    """Raise UnsupportedModel if trial maps (N, h, w, C) hold class numbers instead of scores."""
    whole = np.concatenate([each.reshape(-1, each.shape[-1]) for each in maps])
    if whole.shape[1] == 1 and np.isfinite(whole).all() and (whole == np.rint(whole)).all() and np.ptp(whole) > 0:
        raise UnsupportedModel(LABELS_ONLY)


def head_of(maps: list[Floats]) -> Head | None:
    """Return the function that trial maps (N, h, w, C) seem to have passed through, None if they look like logits."""
    whole = np.concatenate([each.reshape(-1, each.shape[-1]) for each in maps])
    if not ((whole >= 0) & (whole <= 1)).all() or not np.ptp(whole):
        return None
    return "softmax" if whole.shape[1] > 1 and np.allclose(whole.sum(axis=1), 1, atol=1e-3) else "sigmoid"


def agree_with_head(logits: list[Floats], expected: list[Floats], head: Head) -> bool:
    """Whether a head turns the maps of a network that was cut (N, h, w, C) into those of the whole one."""
    return all(
        ours.shape == theirs.shape
        and np.allclose(squashed(ours.reshape(-1, ours.shape[-1]), head).reshape(theirs.shape), theirs, atol=CLOSE)
        for ours, theirs in zip(logits, expected, strict=True)
    )


def segmenter_card(
    framework: str,
    kind: FileKind,
    spec: InputSpec,
    maps: list[Floats],
    head: Head | None,
    gives: Score,
    scoring: Scoring = "",
    labels: tuple[str, ...] = (),
) -> Card:
    """Return the card of a network that gave these trial maps (N, h, w, C); it claims predictions only.

    head: the last function of the file, if known. scoring: the user's choice. labels: the names of the maps, if the
    file has any. A single map has two sides. ParamError if the choice makes no sense.
    """
    channels = maps[0].shape[-1]
    ending = _ending(channels, head, gives, scoring)
    voc = channels == VOC_CLASSES and not labels
    notes = [TWO_SIDES] * (channels == 1) + [INDEPENDENT] * (ending == "sigmoid" and channels > 1) + [FROM_NAMES] * voc
    return Card(
        framework=framework,
        format=kind.format,
        classes=max(2, channels),
        input=spec,
        capabilities=Capability.PREDICT,
        gives=gives,
        head=ending,
        head_known=bool(head or scoring),
        both_sides=channels == 1,
        labels=labels or (SIDES if channels == 1 else voc_labels() if voc else ()),
        notes=(*kind.notes, *notes),
        task="segment",
    )


def _ending(channels: int, head: Head | None, gives: Score, scoring: Scoring) -> Head:
    if not scoring:
        return head or ("sigmoid" if channels == 1 else "softmax")
    if scoring not in ("softmax", "sigmoid"):
        raise ParamError(CLASSES_ONLY.format(scoring))
    if scoring == "softmax" and channels == 1:
        raise ParamError(ALONE)
    if gives == "probability" and scoring != head:
        raise ParamError(ENDS_SO.format(head))
    return scoring


def mean_rows(maps: Floats, region: Flags | None, gives: Score) -> Floats:
    """Return the means (N, K) of maps (N, h, w, C) over a region of the inputs, None for everything."""
    if region is None:
        means = maps.mean(axis=(1, 2), dtype=np.float64)
    else:
        grid = (maps.shape[1], maps.shape[2])
        means = np.tensordot(maps.astype(np.float64), mean_weights(region, grid), ([1, 2], [0, 1]))
    return both_sides(np.asarray(means, np.float32)[:, None, None], gives)[:, 0, 0]


def is_channels_first(shape: tuple[int, ...], size: tuple[int, int], layout: Layout) -> bool:
    """Whether maps of a `shape` (N, C, h, w) or (N, h, w, C) are channels first, for inputs of `size` and `layout`."""
    first, last = (_is_like(grid, size) for grid in (shape[2:4], shape[1:3]))
    return first if first != last else layout == "NCHW"


def _is_like(grid: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Whether a grid has the proportions of the input, up to rounding."""
    return abs(grid[0] * size[1] - grid[1] * size[0]) <= max(size)


def inner_layers(layers: tuple[Layer, ...], channels: int) -> tuple[Layer, ...]:
    """Return the layers without the last ones, whose channels are the maps themselves; all if nothing else is left."""
    inner = list(layers)
    while inner and inner[-1].channels == channels:
        inner.pop()
    return tuple(inner) or layers


def both_sides(maps: Floats, gives: Score) -> Floats:
    """Return maps (N, h, w, 2) of background and foreground for maps (N, h, w, 1); others stay as they are."""
    if maps.shape[-1] != 1:
        return maps
    return np.concatenate([(1 - maps) if gives == "probability" else -maps, maps], axis=-1)
