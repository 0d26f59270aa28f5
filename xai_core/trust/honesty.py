"""How far one map can be trusted: its noise, and the warnings a reader should see first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from xai_core.families.baselines import Baseline, baseline_picture
from xai_core.families.noise import STOP_FIELD, is_constant, noise_shares
from xai_core.method import Catalogued
from xai_core.scores import has_probabilities
from xai_core.types import Card, Estimate, Floats, Indices

NOISE_WARNED_OF = 0.2
SATURATED, UNLIKELY = 0.999, 0.01
FEWEST_ALIKE = 3  # pictures
NOTHING_MOVED = 0.01  # of a probability
LARGEST_SUM_ERROR = 0.05
LEAST_FIT = 0.5
NEAR, MUCH_NEAR = 0.05, 0.25  # of the range of a colour channel; share of the picture's pixels
BORDER, BORDER_HOLDS = 0.05, 0.5  # width as a share of a side; share of the map's weight
ENLARGED = 2.0
DARK, FLAT = 0.04, 0.01
SUM_ERROR = "completeness_error"  # an efficiency error is zero by construction and proves nothing
FIT = "fit_r2"


@dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """Maps together with everything needed to judge them.

    image: (H, W, 3) float32 in [0, 1], as the model saw it. picture_size: height and width of the original picture.
    probabilities: (K,) of all classes, or the outputs themselves where they are numbers; for boxes, (T,) scores of the
    explained boxes. targets: (T,) class indices;
    for boxes, their positions. names: (T) display names of the targets.
    """

    method: Catalogued
    card: Card
    estimate: Estimate
    image: Floats
    picture_size: tuple[int, int]
    probabilities: Floats
    targets: Indices
    names: tuple[str, ...]


RunCheck = Callable[[Finding], Iterator[str]]
TargetCheck = Callable[[Finding, int], Iterator[str]]


def warnings(finding: Finding) -> tuple[str, ...]:
    """Return what a reader should know before reading the maps of classes; each warning says what to do."""
    return _sentences(finding, OF_THE_RUN, OF_A_TARGET)


def all_alike(rows: Sequence[Floats], labels: Sequence[str], card: Card) -> str:
    """Return a warning if a model is certain of the same class for every picture; "" if it is not.

    rows: probabilities (K,), one row for each picture; fewer than `FEWEST_ALIKE` prove nothing.
    """
    best = {int(row.argmax()) for row in rows if row.max() >= SATURATED}
    if len(rows) < FEWEST_ALIKE or card.head != "softmax" or len(best) > 1 or min(map(np.max, rows)) < SATURATED:
        return ""
    return (
        f"The model is certain that each of the {len(rows)} pictures shows {labels[best.pop()]}. If they do not, its "
        "preprocessing is probably wrong: try a different one."
    )


def box_warnings(finding: Finding) -> tuple[str, ...]:
    """Return what a reader should know before reading the maps of boxes; checks of class scores are left out."""
    return _sentences(finding, OF_A_RUN_ON_BOXES, OF_A_BOX)


def _sentences(finding: Finding, of_the_run: Sequence[RunCheck], of_a_target: Sequence[TargetCheck]) -> tuple[str, ...]:
    sentences = [sentence for check in of_the_run for sentence in check(finding)]
    for position in range(len(finding.targets)):
        sentences += [sentence for check in of_a_target for sentence in check(finding, position)]
    return tuple(dict.fromkeys(sentences))


def _black_picture(finding: Finding) -> Iterator[str]:
    if finding.image.max() < DARK:
        yield "The model sees a black picture, so there is nothing to explain. Try a different picture."
    elif finding.image.std(axis=(0, 1)).max() < FLAT:
        yield "The model sees a picture of a single colour, so there is nothing to explain. Try a different picture."


def _enlarged(finding: Finding) -> Iterator[str]:
    height, width = finding.picture_size
    times = max(finding.image.shape[0] / height, finding.image.shape[1] / width)
    if times >= ENLARGED:
        yield (
            f"The picture has only {width} × {height} pixels and was enlarged {times:.1f}-fold for the model, which "
            "may never have seen anything that blurry. Use a larger picture."
        )


def _class_blind(finding: Finding) -> Iterator[str]:
    if finding.method.class_sensitivity == "none":
        yield (
            f"{finding.method.title} gives the same map for every class: it shows what the network looks at, not why "
            "it chose this class. To find out why, use a method that depends on the class."
        )


def _box_blind(finding: Finding) -> Iterator[str]:
    if finding.method.class_sensitivity == "none":
        yield (
            f"{finding.method.title} gives the same map for every box: it shows what the network looks at, not why it "
            "drew this box. To find out why, use a method that depends on the box."
        )


def _like_the_baseline(finding: Finding) -> Iterator[str]:
    values = finding.method.values()
    field = next((name for name in ("baseline", "fill") if values.get(name) in get_args(Baseline)), None)
    if field is None or finding.image.max() < DARK:
        return
    start = baseline_picture(values[field], finding.image, values.get("seed", 0))
    near = float((np.abs(finding.image - start).max(axis=-1) < NEAR).mean())
    if near > MUCH_NEAR:
        yield (
            f"{near:.0%} of the picture looks like the {field} ({values[field]}). Those areas get a value near zero "
            f"however much they matter; try a different {field}."
        )


def _constant(finding: Finding, position: int) -> Iterator[str]:
    heatmap, name, values = finding.estimate.maps[position], finding.names[position], finding.method.values()
    if values.get("positive_only") and not heatmap.any():
        yield (
            f"The map of {name} is zero everywhere: nothing in the picture speaks for it, and negative values are "
            'cut off. Switch off "Positive only" to see them.'
        )
    elif is_constant(heatmap):
        yield f"The map of {name} is the same everywhere and shows nothing. Try a different {_what_to_change(finding)}."


def _what_to_change(finding: Finding) -> str:
    """Return the setting that most likely made a map constant, in the singular."""
    names: tuple[str, ...] = ("layers", "levels", "score", "baseline", "fill")
    values = finding.method.values()
    if finding.method.group == "Perturbation":
        names = names[::-1]
    if finding.card.gives == "probability":  # the only score there is
        names = tuple(name for name in names if name != "score")
    return next((name.removesuffix("s") for name in names if name in values), "method")


def _unlikely(finding: Finding, position: int) -> Iterator[str]:
    probability = _probability(finding, position)
    if has_probabilities(finding.card) and probability < UNLIKELY:
        yield (
            f"The model gives {finding.names[position]} less than 1% ({probability:.2%}), so this map shows what "
            "little speaks for a class the model did not choose. Explain the predicted class unless you mean this one."
        )


def _saturated(finding: Finding, position: int) -> Iterator[str]:
    """Warn if the probability can hardly change, unless the map itself shows that it did."""
    values = finding.method.values()
    if values.get("score") != "probability" or _probability(finding, position) <= SATURATED:
        return
    if not _accounts_for_the_score(finding, position):
        advice = (
            "Explain the logit instead"
            if finding.card.gives == "logit"
            else "Compare it with a method that hides parts of the picture"
        )
        yield (
            f"The probability of {finding.names[position]} is so close to 100% that small changes hardly move it, "
            f"which leaves the map weak or noisy. {advice}."
        )


def _accounts_for_the_score(finding: Finding, position: int) -> bool:
    error = _figure(finding, SUM_ERROR, position)
    if error is not None and error < LARGEST_SUM_ERROR:
        return True
    return finding.method.group == "Perturbation" and float(np.ptp(finding.estimate.maps[position])) > NOTHING_MOVED


def _at_the_border(finding: Finding, position: int) -> Iterator[str]:
    weight = np.abs(finding.estimate.maps[position], dtype=np.float64)
    band = [max(1, round(side * BORDER)) for side in weight.shape]
    inner = weight[band[0] : -band[0], band[1] : -band[1]].sum()
    if not is_constant(finding.estimate.maps[position]) and inner < (1 - BORDER_HOLDS) * weight.sum():
        yield (
            f"Most of the map of {finding.names[position]} lies within {BORDER:.0%} of the picture's border, often an "
            "effect of the network's padding. Compare it with a different method or a different crop of the picture."
        )


def _does_not_add_up(finding: Finding, position: int) -> Iterator[str]:
    error = _figure(finding, SUM_ERROR, position)
    if error is not None and error > LARGEST_SUM_ERROR:
        yield (
            f"The map of {finding.names[position]} should add up to the difference between its score and the "
            f"baseline's, but misses it by {error:.0%}. {_more(finding.method)}."
        )


def _fits_badly(finding: Finding, position: int) -> Iterator[str]:
    fit = _figure(finding, FIT, position)
    if fit is not None and fit < LEAST_FIT:
        yield (
            f"The simple model behind the map of {finding.names[position]} explains only {max(0.0, fit):.0%} of how "
            "the score varies (R²), so its weights say little. Use fewer superpixels or a different method."
        )


def _noisy(finding: Finding, position: int) -> Iterator[str]:
    share = noise_shares(finding.estimate)[position]
    if share is not None and share > NOISE_WARNED_OF:
        yield f"{share:.0%} of what the map of {finding.names[position]} shows may be noise. {_more(finding.method)}."


def _more(method: Catalogued) -> str:
    """Return the advice that makes a result more exact, as a sentence without its full stop."""
    if method.values().get(STOP_FIELD, 0) >= 100 * NOISE_WARNED_OF:
        return "Stop at less noise"
    return f"Use more {method.effort.label.lower()}" if method.effort else "Compare it with a different method"


def _figure(finding: Finding, name: str, position: int) -> float | None:
    figures = finding.estimate.diagnostics.get(name)
    return None if figures is None else figures[position]


def _probability(finding: Finding, position: int) -> float:
    return float(finding.probabilities[int(finding.targets[position])])


OF_THE_RUN: tuple[RunCheck, ...] = (
    _black_picture,
    _enlarged,
    _class_blind,
    _like_the_baseline,
)
OF_A_TARGET: tuple[TargetCheck, ...] = (
    _constant,
    _noisy,
    _does_not_add_up,
    _fits_badly,
    _saturated,
    _unlikely,
    _at_the_border,
)
OF_A_RUN_ON_BOXES: tuple[RunCheck, ...] = (_black_picture, _box_blind)
OF_A_BOX: tuple[TargetCheck, ...] = (_constant, _noisy)
