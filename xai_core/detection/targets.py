"""What a box is worth after something was changed: how well it is still found, and where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xai_core.detector import Aspect, BoxTarget, Detections
from xai_core.errors import DataError, ModelError
from xai_core.types import Floats, Indices

ALWAYS_THERE: tuple[Aspect, ...] = ("score", "class", "IoU")  # nought where a box is lost; an edge is nowhere then
NEXT_TO_NOTHING = 1e-6


def overlaps(corners: Floats, others: Floats) -> Floats:
    """Return the intersection over union of boxes (n, 4) with others (m, 4), (n, m) in 0..1."""
    return _shares(corners[:, None], others[None])


def found_again(found: Detections, target: BoxTarget, least_iou: float) -> int | None:
    """Return the number of the box of the target's class that overlaps it most, more than `least_iou`, or None."""
    if len(found) == 0:
        return None
    shares = _shares_of_a_class(found, [target])[:, 0]
    best = int(shares.argmax())
    return best if shares[best] > least_iou else None


def nearest(found: Detections, targets: Sequence[BoxTarget]) -> Floats:
    """Return the corners and the score (T, 5) of the box of each target's class that overlaps it most.

    All five are nought where no box of the class overlaps the target.
    """
    rows = np.zeros((len(targets), 5), np.float32)
    if len(found) == 0 or not targets:
        return rows
    shares = _shares_of_a_class(found, targets)
    best = shares.argmax(axis=0)
    there = shares.max(axis=0) > 0
    rows[there] = np.concatenate([found.corners, found.scores[:, None]], axis=1)[best[there]]
    return rows


def worth(found: Detections, target: BoxTarget, aspect: Aspect, least_iou: float) -> float | None:
    """Return an aspect of the target among what was found; None where the box is lost.

    "score": its IoU with the target plus its score, 0 to 2. "class": its score. "IoU": in 0..1. Edges, width and
    height are in units of the target's own width or height.
    Source: pytorch-grad-cam's FasterRCNNBoxScoreTarget for "score"; here a box of another class that overlaps the
    target even more does not stand in its way.
    """
    value = float(worth_of_nearest(nearest(found, [target])[None], [target], aspect, least_iou)[0, 0])
    return None if np.isnan(value) else value


def worth_of_nearest(rows: Floats, targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float) -> Floats:
    """Return an aspect as `worth` does, (n, T), of rows (n, T, 5) that `nearest` gave; NaN where the box is lost."""
    corners, scores = rows[..., :4], rows[..., 4]
    shares = _shares(corners, _corners_of(targets))
    if aspect in ALWAYS_THERE:
        values = {"score": shares + scores, "class": scores, "IoU": shares}[aspect]
    else:
        values = _measured(corners, aspect) / np.array([max(extent(one, aspect), 1e-6) for one in targets])
    return np.where(shares > least_iou, values, np.nan).astype(np.float32)


def worths(
    many: Sequence[Detections], targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float, whole: Floats
) -> Floats:
    """Return an aspect of each target in each of many findings, (n, T).

    whole: (T,) the aspect when nothing is changed. A lost box has no score, class or IoU left, so nought; it has no
    edges that could have moved, so those count as they were.
    """
    rows = np.array([nearest(found, targets) for found in many], np.float32).reshape(len(many), len(targets), 5)
    return filled(worth_of_nearest(rows, targets, aspect, least_iou), aspect, whole)


def filled(values: Floats, aspect: Aspect, whole: Floats) -> Floats:
    """Return values (n, T) of an aspect with what `worths` says of lost boxes in place of NaN."""
    gone = np.zeros_like(whole) if aspect in ALWAYS_THERE else whole
    return np.where(np.isnan(values), gone, values).astype(np.float32)


def falls(values: Floats, aspect: Aspect, whole: Floats) -> Floats:
    """Return what was lost of an aspect, (n, T), given values with NaN for lost boxes and the `whole` (T,).

    A score, class or IoU falls, or rises where the fall is below nought. An edge, the width and the height move, no
    matter which way.
    """
    fallen: Floats = whole - filled(values, aspect, whole)
    return fallen if aspect in ALWAYS_THERE else np.abs(fallen)


def whole_worths(rows: Floats, targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float) -> Floats:
    """Return an aspect of each target (T,) in the unchanged picture, where `nearest` gives rows (T, 5).

    Raises ModelError where a target is not found there, or has nothing left to lose.
    """
    values: Floats = worth_of_nearest(rows[None], targets, aspect, least_iou)[0]
    shares = _shares(rows[:, :4], _corners_of(targets))
    for target, value, share in zip(targets, values, shares, strict=True):
        if np.isnan(value):
            raise ModelError(_lost(target, float(share), least_iou))
        if aspect in ALWAYS_THERE and value <= NEXT_TO_NOTHING:
            raise ModelError(
                f"The {aspect} of the {_placed(target)} is nought in the unchanged picture, so it can not fall; "
                "choose another box or another aspect."
            )
    return values


def check_chosen(targets: Sequence[BoxTarget]) -> None:
    """Raise DataError where no box is chosen."""
    if not targets:
        raise DataError(
            "No box is chosen; choose one of those that were found. Where none was, lower the least score that is "
            "shown, or bring another picture."
        )


def measured(corners: Floats, aspect: Aspect) -> float:
    """Return the place of an edge, or the width or height, of a box (4,), in pixels."""
    return float(_measured(corners, aspect))


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
    places = overlaps(found.corners, _corners_of(targets))
    alike = _unit(found.class_scores) @ _unit(wanted).T
    best = (places * alike * found.objectness[:, None]).max(axis=0)
    return np.asarray(np.clip(best, 0, 1), np.float32)


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


def _corners_of(targets: Sequence[BoxTarget]) -> Floats:
    return np.array([target.corners for target in targets], np.float32).reshape(-1, 4)


def _shares_of_a_class(found: Detections, targets: Sequence[BoxTarget]) -> Floats:
    """Return the overlaps (n, T) of what was found with targets; -1 where the class is another."""
    same = found.labels[:, None] == np.array([target.label for target in targets])
    return np.where(same, overlaps(found.corners, _corners_of(targets)), -1).astype(np.float32)


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
    beginning = f"The {_placed(target)} is not found again in the unchanged picture: "
    if share <= 0:
        return f"{beginning}no box of its class overlaps it; choose one of the boxes that are found now."
    return (
        f"{beginning}the nearest box of its class overlaps it by {share:.0%}, and more than {least_iou:.0%} is asked "
        "for; lower the least IoU, or choose another box."
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
