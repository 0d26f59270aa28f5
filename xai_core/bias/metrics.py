"""Every bias metric of one model as plain JSON values; the CSV tables and the HTML report are made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from xai_core.bias.class_gaps import class_gaps, most_uneven_class, summarised
from xai_core.bias.classes import class_figures
from xai_core.bias.confusion import confusion, most_mispredicted, top_confusions
from xai_core.bias.curves import calibration, micro_roc
from xai_core.bias.group_comparison import Group, GroupComparison, compare_groups
from xai_core.bias.group_metric import Scope, comparisons
from xai_core.bias.group_metrics.selection_rate import DISPARATE_IMPACT
from xai_core.bias.groups import CROSSED, compared, grouped, strata
from xai_core.bias.heads import head_figures
from xai_core.bias.inside import leakage
from xai_core.bias.predictions import Predictions
from xai_core.bias.progress import Progress, ignore_progress, part_of
from xai_core.bias.settings import Attack, Settings
from xai_core.bias.summary import summary
from xai_core.errors import DataError

Values = dict[str, Any]


def metrics(
    predictions: Predictions,
    attributes: Sequence[str] = (),
    positive: int | None = None,
    settings: Settings | None = None,
    attack: Attack | None = None,
    seed: int = 0,
    progress: Progress = ignore_progress,
) -> Values:
    """Return every metric of a model as plain JSON values of full precision, None where undefined.

    attributes: whose groups are compared, each alone and two also crossed. positive: the class whose rates are
    compared, one against the rest; if None, the second of two classes, else the one whose selection rate differs most
    between groups. attack: how leakage is measured. progress: receives the share that is done, and can raise to stop
    it. Raises DataError for an attribute that does not exist or makes no groups.
    """
    settings = settings or Settings()
    names = [(name,) for name in attributes] + ([tuple(attributes)] if len(attributes) == 2 else [])
    return {
        **_header(predictions, settings, seed),
        **_overall(predictions, settings, seed),
        **_classes(predictions, settings),
        "groups": {CROSSED.join(each): _groups(predictions, each, positive, settings) for each in names},
        "leakage": _leakages(predictions, attributes, attack, seed, progress),
        "heads": [asdict(head) for head in head_figures(predictions, settings.interval_level)],
    }


def _header(predictions: Predictions, settings: Settings, seed: int) -> Values:
    return {
        "name": predictions.name,
        "pictures": len(predictions),
        "labels": list(predictions.labels),
        "notes": list(predictions.notes),
        "settings": settings.values() | {"seed": seed},
    }


def _overall(predictions: Predictions, settings: Settings, seed: int) -> Values:
    within = strata(predictions, settings.stratify_by)
    figures = summary(predictions, settings.bootstrap_samples, settings.interval_level, seed, within)
    micro, calibrated = micro_roc(predictions), calibration(predictions)
    return {
        "summary": {metric: asdict(figure) for metric, figure in figures.items()},
        "micro_auroc": None if micro is None else micro.area,
        "calibration": None if calibrated is None else asdict(calibrated),
    }


def _classes(predictions: Predictions, settings: Settings) -> Values:
    figures, labels = class_figures(predictions), predictions.labels
    counts = confusion(predictions.truth, predictions.predicted, predictions.classes)
    pairs = top_confusions(counts, settings.classes_shown)
    return {
        "classes": [asdict(each) for each in figures],
        "never_predicted": [each.label for each in figures if each.is_never_predicted],
        "confusion": counts.tolist(),
        "most_mispredicted": [labels[n] for n in most_mispredicted(counts, settings.classes_shown)],
        "top_confusions": [
            asdict(pair) | {"actual": labels[pair.actual], "predicted": labels[pair.predicted]} for pair in pairs
        ],
    }


def _groups(predictions: Predictions, names: Sequence[str], positive: int | None, settings: Settings) -> Values:
    groups = grouped(predictions, names)
    gaps = class_gaps(predictions, groups, compared(groups, settings))
    chosen = most_uneven_class(gaps) if positive is None else positive
    comparison = compare_groups(predictions, groups, chosen, settings)
    return {
        "positive": predictions.labels[chosen],
        "fairness": _between(comparison, "one class") | {"four_fifths_rule_holds": four_fifths_rule_holds(comparison)},
        "left_out": [name for name in comparison.left_out if name not in comparison.missing],
        "missing": comparison.missing,
        "undefined": {metric: list(lacking) for metric, lacking in comparison.undefined.items()},
        "by_group": list(map(_group, comparison.groups)),
        "all_classes": _between(comparison, "all classes") | summarised(gaps),
        "class_gaps": [{"label": gap.label} | gap.between | gap.by_group for gap in gaps],
    }


def four_fifths_rule_holds(comparison: GroupComparison) -> bool | None:
    """Whether disparate impact does not count as adverse; None if it is undefined."""
    adverse = comparison.is_adverse(DISPARATE_IMPACT)
    return None if adverse is None else not adverse


def _between(comparison: GroupComparison, scope: Scope) -> Values:
    return {each.id: comparison.between[each.id] for each in comparisons(scope) if each.id in comparison.between}


def _group(group: Group) -> Values:
    rates = {metric: asdict(rate) for metric, rate in group.rates.items()}
    return {"group": group.name, "pictures": group.pictures, "small": group.small} | rates


def _leakages(
    predictions: Predictions, names: Sequence[str], attack: Attack | None, seed: int, progress: Progress
) -> Values:
    parts = {name: part_of(progress, done, len(names)) for done, name in enumerate(names)}
    return {name: _leakage(predictions, name, attack, seed, part) for name, part in parts.items()}


def _leakage(
    predictions: Predictions, name: str, attack: Attack | None, seed: int, progress: Progress
) -> Values | None:
    try:
        return asdict(leakage(predictions, name, attack=attack, seed=seed, progress=progress))
    except DataError:  # too few pictures of each value
        return None
