"""Measure a box after a change: whether it is still detected, and where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xai_core.detector import Aspect, BoxTarget, Detections
from xai_core.errors import DataError, ModelError
from xai_core.types import Floats, Indices

ALWAYS_THERE: tuple[Aspect, ...] = ("score", "class", "IoU")  # zero for a lost box; its edges are undefined
NEXT_TO_NOTHING = 1e-6


def overlaps(corners: Floats, others: Floats) -> Floats:
    """Return the intersection over union of boxes (n, 4) with others (m, 4), (n, m) in 0..1."""
    return _shares(corners[:, None], others[None])


def found_again(boxes: Detections, target: BoxTarget, least_iou: float) -> int | None:
    """Return the index of the box of the target's class with the largest overlap above `least_iou`, or None."""
    if len(boxes) == 0:
        return None
    shares = _shares_of_a_class(boxes, [target])[:, 0]
    best = int(shares.argmax())
    return best if shares[best] > least_iou else None


def nearest(boxes: Detections, targets: Sequence[BoxTarget]) -> Floats:
    """Return the corners and score (T, 5) of the box of each target's class that overlaps it most.

    All five are zero if no box of the class overlaps the target.
    """
    rows = np.zeros((len(targets), 5), np.float32)
    if len(boxes) == 0 or not targets:
        return rows
    shares = _shares_of_a_class(boxes, targets)
    best = shares.argmax(axis=0)
    there = shares.max(axis=0) > 0
    rows[there] = np.concatenate([boxes.corners, boxes.scores[:, None]], axis=1)[best[there]]
    return rows


def worth(boxes: Detections, target: BoxTarget, aspect: Aspect, least_iou: float) -> float | None:
    """Return an aspect of the target among detected boxes; None if the box is lost.

    "score": its IoU with the target plus its score, 0 to 2. "class": its score. "IoU": in 0..1. Edges, width and
    height are in units of the target's own width or height.
    Source: pytorch-grad-cam's FasterRCNNBoxScoreTarget for "score"; here a box of a different class does not count,
    even if it overlaps the target more.
    """
    value = float(worth_of_nearest(nearest(boxes, [target])[None], [target], aspect, least_iou)[0, 0])
    return None if np.isnan(value) else value


def worth_of_nearest(rows: Floats, targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float) -> Floats:
    """Return an aspect as in `worth`, (n, T), for rows (n, T, 5) from `nearest`; NaN if the box is lost."""
    corners, scores = rows[..., :4], rows[..., 4]
    shares = _shares(corners, _corners_of(targets))
    if aspect in ALWAYS_THERE:
        values = {"score": shares + scores, "class": scores, "IoU": shares}[aspect]
    else:
        values = _measured(corners, aspect) / np.array([max(extent(target, aspect), 1e-6) for target in targets])
    return np.where(shares > least_iou, values, np.nan).astype(np.float32)


def worths(
    many: Sequence[Detections], targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float, whole: Floats
) -> Floats:
    """Return an aspect of each target in each of many detections, (n, T).

    whole: (T,) the aspect in the unchanged picture. The score, class and IoU of a lost box are zero; its edges count
    as unmoved.
    """
    rows = np.array([nearest(boxes, targets) for boxes in many], np.float32).reshape(len(many), len(targets), 5)
    return filled(worth_of_nearest(rows, targets, aspect, least_iou), aspect, whole)


def filled(values: Floats, aspect: Aspect, whole: Floats) -> Floats:
    """Return values (n, T) of an aspect with NaN replaced by the values of a lost box, see `worths`."""
    gone = np.zeros_like(whole) if aspect in ALWAYS_THERE else whole
    return np.where(np.isnan(values), gone, values).astype(np.float32)


def falls(values: Floats, aspect: Aspect, whole: Floats) -> Floats:
    """Return how far an aspect fell, (n, T), from values with NaN for lost boxes and the `whole` (T,).

    A score, class or IoU falls, or rises if the result is negative. For an edge, the width and the height, the result
    is how far they moved in either direction.
    """
    fallen: Floats = whole - filled(values, aspect, whole)
    return fallen if aspect in ALWAYS_THERE else np.abs(fallen)


def whole_worths(rows: Floats, targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float) -> Floats:
    """Return an aspect of each target (T,) in the unchanged picture, from the rows (T, 5) of `nearest`.

    Raises ModelError if a target is not detected there or has no score left to lose.
    """
    values: Floats = worth_of_nearest(rows[None], targets, aspect, least_iou)[0]
    shares = _shares(rows[:, :4], _corners_of(targets))
    for target, value, share in zip(targets, values, shares, strict=True):
        if np.isnan(value):
            raise ModelError(_lost(target, float(share), least_iou))
        if aspect in ALWAYS_THERE and value <= NEXT_TO_NOTHING:
            raise ModelError(
                f"The {aspect} of the {_placed(target)} is zero in the unchanged picture, so it cannot fall. Choose a "
                "different box or a different aspect."
            )
    return values


def check_chosen(targets: Sequence[BoxTarget]) -> None:
    """Raise DataError if no box is chosen."""
    if not targets:
        raise DataError(
            "No box is chosen. Choose one of the detected boxes; if there are none, lower the threshold or try a "
            "different picture."
        )


def measured(corners: Floats, aspect: Aspect) -> float:
    """Return the position of an edge, or the width or height, of a box (4,), in pixels."""
    return float(_measured(corners, aspect))


def extent(target: BoxTarget, aspect: Aspect) -> float:
    """Return the side of the target along which an edge moves, in pixels."""
    left, top, right, bottom = target.corners
    return right - left if aspect in ("left", "right", "width") else bottom - top


def similarities(boxes: Detections, targets: Sequence[BoxTarget]) -> Floats:
    """Return the similarity of the most similar box to each target, (T,) in 0..1.

    The similarity is IoU x cosine of class scores x objectness.
    Source: Petsiuk and others, Black-box Explanation of Object Detectors via Saliency Maps, 2021, arXiv 2006.03204.
    """
    if len(boxes) == 0 or not targets:
        return np.zeros(len(targets), np.float32)
    wanted = np.array([target.class_scores for target in targets], np.float32)
    places = overlaps(boxes.corners, _corners_of(targets))
    alike = _unit(boxes.class_scores) @ _unit(wanted).T
    best = (places * alike * boxes.objectness[:, None]).max(axis=0)
    return np.asarray(np.clip(best, 0, 1), np.float32)


def inside(target: BoxTarget, image_size: tuple[int, ...], map_size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of a map inside the target, at least one of each."""
    down, across = (new / old for new, old in zip(map_size, image_size, strict=True))
    left, top, right, bottom = target.corners
    return _span(top * down, bottom * down, map_size[0]), _span(left * across, right * across, map_size[1])


def renormalised(maps: Floats, targets: Sequence[BoxTarget], image_size: tuple[int, ...]) -> Floats:
    """Return maps (T, h, w) that are zero outside each target's box and scaled to 0..1 inside."""
    cut = np.zeros_like(maps)
    for heatmap, target, new in zip(maps, targets, cut, strict=True):
        place = inside(target, image_size, (maps.shape[1], maps.shape[2]))
        part = heatmap[place]
        new[place] = (part - part.min()) / (np.ptp(part) or 1)
    return cut


def same_class(boxes: Detections, number: int) -> Indices:
    """Return the indices of all boxes with the class of box `number`, that box first."""
    members = np.flatnonzero(boxes.labels == boxes.labels[number])
    return np.asarray([number, *(index for index in members if index != number)], np.int64)


def _span(first: float, last: float, side: int) -> slice:
    start = int(np.clip(np.floor(first), 0, side - 1))
    return slice(start, int(np.clip(np.ceil(last), start + 1, side)))


def _corners_of(targets: Sequence[BoxTarget]) -> Floats:
    return np.array([target.corners for target in targets], np.float32).reshape(-1, 4)


def _shares_of_a_class(boxes: Detections, targets: Sequence[BoxTarget]) -> Floats:
    """Return the overlaps (n, T) of boxes with targets; -1 if the classes differ."""
    same = boxes.labels[:, None] == np.array([target.label for target in targets])
    return np.where(same, overlaps(boxes.corners, _corners_of(targets)), -1).astype(np.float32)


def _shares(corners: Floats, others: Floats) -> Floats:
    """Return the intersection over union of boxes (..., 4) with others (..., 4)."""
    a, b = corners.astype(np.float64), others.astype(np.float64)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.prod(np.maximum(sides, 0), axis=-1)
    whole = _areas(a) + _areas(b) - common
    return np.asarray(common / np.where(whole > 0, whole, 1), np.float32)


def _measured(corners: Floats, aspect: Aspect) -> Floats:
    left, top, right, bottom = np.moveaxis(corners, -1, 0)
    sides = {"left": left, "top": top, "right": right, "bottom": bottom}
    return np.asarray((sides | {"width": right - left, "height": bottom - top})[aspect], np.float32)


def _lost(target: BoxTarget, share: float, least_iou: float) -> str:
    beginning = f"The {_placed(target)} is not detected in the unchanged picture: "
    if share <= 0:
        return f"{beginning}no box of its class overlaps it. Choose one of the boxes that are detected now."
    return (
        f"{beginning}the nearest box of its class overlaps it by {share:.0%}, but more than {least_iou:.0%} is "
        "required. Lower the least IoU, or choose a different box."
    )


def _placed(target: BoxTarget) -> str:
    left, top, right, bottom = (round(side) for side in target.corners)
    return f"box from ({left}, {top}) to ({right}, {bottom})"


def _areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    sides: NDArray[np.float64] = np.maximum(corners[..., 2:] - corners[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
