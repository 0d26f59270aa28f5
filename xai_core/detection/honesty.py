"""What a person should be warned of before reading the map of a box."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from xai_core.detection.targets import inside
from xai_core.detector import BoxTarget
from xai_core.trust import honesty
from xai_core.trust.honesty import Finding, is_constant
from xai_core.types import Floats

UNSURE = 0.3  # score of a box
SMALL = 0.03  # of the picture's width or height
AT_THE_BORDER = 1.0  # pixels
MOSTLY = 0.5  # share of a map's weight
BEYOND_NOISE = 2.0  # standard errors


def box_warnings(finding: Finding, targets: Sequence[BoxTarget]) -> tuple[str, ...]:
    """Return what a person should know before reading the maps of boxes: one sentence each, with what to do.

    targets: the boxes, in the order of the maps and names of the finding, in pixels of its image.
    """
    found = list(honesty.box_warnings(finding))
    for position, target in enumerate(targets):
        found += [sentence for check in OF_A_BOX for sentence in check(finding, target, position)]
    return tuple(dict.fromkeys(found))


def share_inside(map: Floats, target: BoxTarget, image_size: tuple[int, ...], error: Floats | None = None) -> float:
    """Return the share of what a map (h, w) shows for a box that lies in it, 0 to 1; NaN where it shows nothing.

    What is negative does not count, nor does what lies within two standard errors (h, w) of zero.
    """
    weight = np.maximum(map - (0 if error is None else BEYOND_NOISE * error), 0).astype(np.float64)
    whole = float(weight.sum())
    return float(weight[inside(target, image_size, (map.shape[0], map.shape[1]))].sum()) / whole if whole else np.nan


def _unsure(finding: Finding, target: BoxTarget, position: int) -> Iterator[str]:
    if target.score < UNSURE:
        yield (
            f"The score of {finding.names[position]} is {target.score:.0%} only, so this shows what little speaks for "
            "it; explain a box with a higher score unless you mean this one."
        )


def _small(finding: Finding, target: BoxTarget, position: int) -> Iterator[str]:
    left, top, right, bottom = target.corners
    height, width = finding.image.shape[:2]
    if right - left < SMALL * width or bottom - top < SMALL * height:
        yield (
            f"The place of {finding.names[position]} is {right - left:.0f} × {bottom - top:.0f} pixels in a picture "
            f"of {width} × {height}, which is finer than maps are; cut out that part of the picture and bring it."
        )


def _at_the_border(finding: Finding, target: BoxTarget, position: int) -> Iterator[str]:
    left, top, right, bottom = target.corners
    height, width = finding.image.shape[:2]
    if min(left, top) < AT_THE_BORDER or right > width - AT_THE_BORDER or bottom > height - AT_THE_BORDER:
        yield (
            f"The place of {finding.names[position]} touches the picture's border, where the object may be cut off; "
            "what holds that edge in its place is the border itself."
        )


def _outside(finding: Finding, target: BoxTarget, position: int) -> Iterator[str]:
    map, errors = finding.estimate.maps[position], finding.estimate.standard_error
    if finding.method.class_sensitivity == "none" or is_constant(map):
        return
    error = None if errors is None else errors[position]
    share = share_inside(map, target, finding.image.shape[:2], error)
    if share < MOSTLY:
        yield (
            f"Only {share:.0%} of what the map of {finding.names[position]} shows lies inside the box: the rest is its "
            "surroundings, other objects or a blur of the method; compare with another method."
        )


OF_A_BOX: tuple[Callable[[Finding, BoxTarget, int], Iterator[str]], ...] = (_unsure, _small, _at_the_border, _outside)
