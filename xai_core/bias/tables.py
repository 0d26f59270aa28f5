"""All figures of one model as plain values, and as CSV tables; the page is made from the same values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from xai_core.bias.class_gaps import all_gaps, class_gaps, most_apart
from xai_core.bias.classes import class_figures
from xai_core.bias.confusion import confusion, most_mispredicted, top_confusions
from xai_core.bias.curves import calibration, micro_roc
from xai_core.bias.group_accuracy import Accuracies, accuracies
from xai_core.bias.groups import CROSSED, Group, compared, fairness, grouped, strata
from xai_core.bias.heads import head_figures
from xai_core.bias.inside import leakage
from xai_core.bias.page import page
from xai_core.bias.predictions import Predictions
from xai_core.bias.progress import Tell, part_of, unheard
from xai_core.bias.settings import Attack, Settings
from xai_core.bias.summary import summary
from xai_core.bias.wording import UNDEFINED
from xai_core.errors import DataError

__all__ = ["csv_tables", "metrics", "page"]

Values = dict[str, Any]
APART = (
    *("demographic_parity_difference", "demographic_parity_ratio", "disparate_impact"),
    *("equal_opportunity_difference", "equal_opportunity_ratio", "equalized_odds_difference"),
    *("equalized_odds_difference_mean", "equalized_odds_ratio", "predictive_parity_difference"),
)
ACCURACIES_APART = ("accuracy_difference", "accuracy_std")


def metrics(
    found: Predictions,
    attributes: Sequence[str] = (),
    positive: int | None = None,
    settings: Settings | None = None,
    attack: Attack | None = None,
    seed: int = 0,
    tell: Tell = unheard,
) -> Values:
    """Return all figures of a model as plain JSON values of full precision, None where one is not defined.

    attributes: whose groups are compared, each alone and two also crossed. The accuracy of a group is about all
    classes, its rates are about one class against the rest. positive: that class; where none is given the second of
    two, or else the one whose share differs most between groups. attack: how leakage is measured. tell: hears which
    share is done, and may raise to stop it.
    Raises DataError for an attribute that makes no groups, or for one to stratify by that is not there.
    """
    settings = settings or Settings()
    classes = class_figures(found)
    counts = confusion(found.truth, found.predicted, found.classes)
    micro, calibrated = micro_roc(found), calibration(found)
    return {
        "name": found.name,
        "pictures": len(found),
        "labels": list(found.labels),
        "notes": list(found.notes),
        "settings": settings.values() | {"seed": seed},
        "summary": _summary(found, settings, seed),
        "micro_auroc": None if micro is None else micro.area,
        "classes": [asdict(one) for one in classes],
        "never_predicted": [one.label for one in classes if one.samples and not one.predicted],
        "confusion": counts.tolist(),
        "most_mispredicted": [found.labels[one] for one in most_mispredicted(counts, settings.classes_shown)],
        "top_confusions": [
            asdict(one) | {"actual": found.labels[one.actual], "predicted": found.labels[one.predicted]}
            for one in top_confusions(counts, settings.classes_shown)
        ],
        "calibration": None if calibrated is None else asdict(calibrated),
        "groups": {CROSSED.join(names): _groups(found, names, positive, settings) for names in _crossed(attributes)},
        "leakage": _leakages(found, attributes, attack, seed, tell),
        "heads": [asdict(one) for one in head_figures(found, settings.interval_level)],
    }


def csv_tables(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the figures that `metrics` found as CSV texts by file name; what is not defined is "n/a"."""
    labels, groups = values["labels"], values["groups"]
    named = zip(labels, values["confusion"], strict=True)
    tables = {
        "summary.csv": _rows([{"figure": name} | one for name, one in values["summary"].items()]),
        "classes.csv": _rows(values["classes"]),
        "confusion.csv": _csv([["true class", *labels], *([one, *row] for one, row in named)]),
        "top_confusions.csv": _rows(values["top_confusions"]),
        "calibration.csv": _rows(values["calibration"]["bins"] if values["calibration"] else []),
        "fairness.csv": _rows(
            [{"attribute": name, "class": one["positive"]} | one["fairness"] for name, one in groups.items()]
        ),
        "all_classes.csv": _rows([{"attribute": name} | one["all_classes"] for name, one in groups.items()]),
        "leakage.csv": _rows([{"attribute": name} | one for name, one in values["leakage"].items() if one]),
        "heads.csv": _rows(values["heads"]),
    }
    for name, one in groups.items():
        tables[f"groups_{_file(name)}.csv"] = _rows(map(_flat, one["by_group"]))
        tables[f"class_gaps_{_file(name)}.csv"] = _rows(map(_flat, one["class_gaps"]))
    return {name: text for name, text in tables.items() if text}


def _summary(found: Predictions, settings: Settings, seed: int) -> Values:
    within = strata(found, settings.stratify_by)
    figures = summary(found, settings.bootstrap_samples, settings.interval_level, seed, within)
    return {name: asdict(one) for name, one in figures.items()}


def _crossed(attributes: Sequence[str]) -> list[tuple[str, ...]]:
    """Return what groups are made by: each attribute, and two of them crossed."""
    return [(name,) for name in attributes] + ([tuple(attributes)] if len(attributes) == 2 else [])


def _groups(found: Predictions, names: Sequence[str], positive: int | None, settings: Settings) -> Values:
    groups = grouped(found, names)
    least, leave_out = settings.group_minimum, settings.leave_out_small_groups
    gaps = class_gaps(found, groups, compared(groups, least, leave_out))
    chosen = most_apart(gaps) if positive is None else positive
    apart = fairness(found, groups, chosen, least, settings.interval_level, leave_out)
    whole = accuracies(found, groups, settings)
    return {
        "positive": found.labels[chosen],
        "fairness": {name: getattr(apart, name) for name in APART} | {"four_fifths_rule_holds": apart.four_fifths},
        "left_out": list(apart.left_out),
        "undefined": {rate: list(names) for rate, names in apart.undefined.items()},
        "by_group": _by_group(whole, apart.groups),
        "all_classes": {name: getattr(whole, name) for name in ACCURACIES_APART} | asdict(all_gaps(gaps)),
        "class_gaps": [asdict(one) for one in gaps],
    }


def _by_group(whole: Accuracies, groups: Sequence[Group]) -> list[Values]:
    return [
        {"group": one.name, "pictures": one.samples, "small": one.small, "accuracy": asdict(one.accuracy)}
        | {name: asdict(rate) for name, rate in own.rates.items()}
        for one, own in zip(whole.groups, groups, strict=True)
    ]


def _leakages(found: Predictions, names: Sequence[str], attack: Attack | None, seed: int, tell: Tell) -> Values:
    return {
        name: _leakage(found, name, attack, seed, part_of(tell, done, len(names))) for done, name in enumerate(names)
    }


def _leakage(found: Predictions, name: str, attack: Attack | None, seed: int, tell: Tell) -> Values | None:
    try:
        return asdict(leakage(found, name, attack=attack, seed=seed, tell=tell))
    except DataError:  # too few pictures to tell values apart
        return None


def _flat(row: Mapping[str, Any]) -> Values:
    """Return a row whose values are plain: {"recall": {"low": 0.1}} as {"recall_low": 0.1}, "value" left out."""
    flat: Values = {}
    for name, value in row.items():
        parts = value.items() if isinstance(value, Mapping) else [("value", value)]
        flat |= {name if part == "value" else f"{name}_{part}": one for part, one in parts}
    return flat


def _rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows of the same names as CSV; "" where there are none."""
    whole = list(rows)
    return _csv([list(whole[0]), *(list(row.values()) for row in whole)]) if whole else ""


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([_cell(one) for one in row] for row in rows)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    return UNDEFINED if value is None else value


def _file(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name.replace(CROSSED, "_x_"))[:60]
