"""What a box is worth after something was changed: how well it is still found, and where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xai_core.detector import Aspect, BoxTarget, Detections
from xai_core.types import Floats, Indices


def overlaps(corners: Floats, others: Floats) -> Floats:
    """Return the intersection over union of boxes (n, 4) with others (m, 4), (n, m) in 0..1."""
    a, b = corners[:, None].astype(np.float64), others[None].astype(np.float64)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.prod(np.maximum(sides, 0), axis=-1)
    whole = _areas(a) + _areas(b) - common
    return np.asarray(common / np.where(whole > 0, whole, 1), np.float32)


def found_again(found: Detections, target: BoxTarget, least_iou: float) -> int | None:
    """Return the number of the box of the target's class that overlaps it most, more than `least_iou`, or None."""
    same = np.flatnonzero(found.labels == target.label)
    if len(same) == 0:
        return None
    shares = overlaps(found.corners[same], target.array)[:, 0]
    best = int(shares.argmax())
    return int(same[best]) if shares[best] > least_iou else None


def worth(found: Detections, target: BoxTarget, aspect: Aspect, least_iou: float) -> float | None:
    """Return an aspect of the target among what was found; None where the box is lost.

    "score": its IoU with the target plus its score, 0 to 2. "class": its score. "IoU": in 0..1. Edges, width and
    height are in units of the target's own width or height.
    Source: Muhammad, Yeasin, Eigen-CAM, 2020, and pytorch-grad-cam's FasterRCNNBoxScoreTarget for "score".
    """
    number = found_again(found, target, least_iou)
    if number is None:
        return None
    corners, score = found.corners[number], float(found.scores[number])
    share = float(overlaps(corners[None], target.array)[0, 0])
    if aspect in ("score", "class", "IoU"):
        return {"score": share + score, "class": score, "IoU": share}[aspect]
    return measured(corners, aspect) / max(extent(target, aspect), 1e-6)


def worths(
    many: Sequence[Detections], targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float, whole: Floats
) -> Floats:
    """Return an aspect of each target in each of many findings, (n, T).

    whole: (T,) the aspect when nothing is changed. A lost box has no score, class or IoU left, so nought; it has no
    edges that could have moved, so those count as they were.
    """
    gone = np.zeros_like(whole) if aspect in ("score", "class", "IoU") else whole
    rows = [[worth(found, target, aspect, least_iou) for target in targets] for found in many]
    filled = [[lost if one is None else one for one, lost in zip(row, gone, strict=True)] for row in rows]
    return np.array(filled, np.float32).reshape(len(rows), len(targets))


def measured(corners: Floats, aspect: Aspect) -> float:
    """Return the place of an edge, or the width or height, of a box (4,), in pixels."""
    left, top, right, bottom = (float(side) for side in corners)
    sides = {"left": left, "top": top, "right": right, "bottom": bottom}
    return (sides | {"width": right - left, "height": bottom - top})[aspect]


def extent(target: BoxTarget, aspect: Aspect) -> float:
    """Return the side of the target along which an edge moves, in pixels."""
    left, top, right, bottom = target.corners
    return right - left if aspect in ("left", "right", "width") else bottom - top


def similarities(found: Detections, targets: Sequence[BoxTarget]) -> Floats:
    """Return how like each target the most similar box is, (T,) in 0..1: IoU x cosine of class scores x objectness.

    Source: Petsiuk and others, Black-box Explanation of Object Detectors via Saliency Maps, 2021, arXiv 2006.03204.
    """
    if len(found) == 0 or not targets:
        return np.zeros(len(targets), np.float32)
    wanted = np.array([target.class_scores for target in targets], np.float32)
    places = overlaps(found.corners, np.concatenate([target.array for target in targets]))
    alike = _unit(found.class_scores) @ _unit(wanted).T
    return np.asarray((places * alike * found.objectness[:, None]).max(axis=0), np.float32)


def inside(target: BoxTarget, image_size: tuple[int, ...], map_size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of a map that lie in the target, at least one of each."""
    down, across = (new / old for new, old in zip(map_size, image_size, strict=True))
    left, top, right, bottom = target.corners
    return _span(top * down, bottom * down, map_size[0]), _span(left * across, right * across, map_size[1])


def renormalised(maps: Floats, targets: Sequence[BoxTarget], image_size: tuple[int, ...]) -> Floats:
    """Return maps (T, h, w) that are nought outside each target's box, and run from 0 to 1 inside."""
    cut = np.zeros_like(maps)
    for map, target, new in zip(maps, targets, cut, strict=True):
        place = inside(target, image_size, (maps.shape[1], maps.shape[2]))
        part = map[place]
        new[place] = (part - part.min()) / (np.ptp(part) or 1)
    return cut


def same_class(found: Detections, number: int) -> Indices:
    """Return the numbers of all boxes of the class of one of them, that one first."""
    others = np.flatnonzero(found.labels == found.labels[number])
    return np.asarray([number, *(one for one in others if one != number)], np.int64)


def _span(first: float, last: float, side: int) -> slice:
    start = int(np.clip(np.floor(first), 0, side - 1))
    return slice(start, int(np.clip(np.ceil(last), start + 1, side)))


def _areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    sides: NDArray[np.float64] = np.maximum(corners[..., 2:] - corners[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
