"""The warnings a reader should see before the map of a box."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from xai_core.detection.targets import inside
from xai_core.detector import BoxTarget
from xai_core.families.noise import is_constant
from xai_core.trust import honesty
from xai_core.trust.honesty import Finding
from xai_core.types import Floats

UNSURE = 0.3  # score of a box
SMALL = 0.03  # of the picture's width or height
AT_THE_BORDER = 1.0  # pixels
MOSTLY = 0.5  # share of a map's weight
BEYOND_NOISE = 2.0  # standard errors


def box_warnings(finding: Finding, targets: Sequence[BoxTarget]) -> tuple[str, ...]:
    """Return what a reader should know before reading the maps of boxes; each warning says what to do.

    targets: the boxes in pixels of the finding's image, in the order of its maps and names.
    """
    sentences = list(honesty.box_warnings(finding))
    for position, target in enumerate(targets):
        sentences += [sentence for check in OF_A_BOX for sentence in check(finding, target, position)]
    return tuple(dict.fromkeys(sentences))


def share_inside(heatmap: Floats, target: BoxTarget, image_size: tuple[int, ...], error: Floats | None = None) -> float:
    """Return the share of a map's positive weight (h, w) that lies inside its box, 0 to 1; NaN for an empty map.

    Negative values do not count, nor do values within two standard errors `error` (h, w) of zero.
    """
    weight = np.maximum(heatmap - (0 if error is None else BEYOND_NOISE * error), 0).astype(np.float64)
    whole = float(weight.sum())
    return (
        float(weight[inside(target, image_size, (heatmap.shape[0], heatmap.shape[1]))].sum()) / whole
        if whole
        else np.nan
    )


def _sentence_case(name: str) -> str:
    return name[:1].upper() + name[1:]


def _unsure(finding: Finding, target: BoxTarget, position: int) -> Iterator[str]:
    if target.score < UNSURE:
        yield (
            f"The score of {finding.names[position]} is only {target.score:.0%}, so this map shows what little speaks "
            "for it. Explain a box with a higher score unless you mean this one."
        )


def _small(finding: Finding, target: BoxTarget, position: int) -> Iterator[str]:
    left, top, right, bottom = target.corners
    height, width = finding.image.shape[:2]
    if right - left < SMALL * width or bottom - top < SMALL * height:
        name, size = _sentence_case(finding.names[position]), f"{right - left:.0f} × {bottom - top:.0f} pixels"
        yield (
            f"{name} covers {size} in a picture of {width} × {height}, finer than a map can show. Crop the picture to "
            "that part and open the crop."
        )


def _at_the_border(finding: Finding, target: BoxTarget, position: int) -> Iterator[str]:
    left, top, right, bottom = target.corners
    height, width = finding.image.shape[:2]
    if min(left, top) < AT_THE_BORDER or right > width - AT_THE_BORDER or bottom > height - AT_THE_BORDER:
        yield (
            f"{_sentence_case(finding.names[position])} touches the picture's border, where the object may be cut off. "
            "That edge is held in place by the border itself."
        )


def _outside(finding: Finding, target: BoxTarget, position: int) -> Iterator[str]:
    heatmap, errors = finding.estimate.maps[position], finding.estimate.standard_error
    if finding.method.class_sensitivity == "none" or is_constant(heatmap):
        return
    error = None if errors is None else errors[position]
    share = share_inside(heatmap, target, finding.image.shape[:2], error)
    if share < MOSTLY:
        yield (
            f"Only {share:.0%} of what the map of {finding.names[position]} shows lies inside the box. The rest is its "
            "surroundings, other objects or the method's blur; compare it with a different method."
        )


OF_A_BOX: tuple[Callable[[Finding, BoxTarget, int], Iterator[str]], ...] = (_unsure, _small, _at_the_border, _outside)
