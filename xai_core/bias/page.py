"""The bias report: one HTML page of tables and small bars, without scripts or external resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from xai_core.bias.classes import CLASS_METRICS
from xai_core.bias.group_metric import GroupMetric, Scope, class_comparisons, class_metrics, comparisons, metrics_of
from xai_core.bias.group_metrics.selection_rate import DISPARATE_IMPACT
from xai_core.bias.inside import LEAKAGE
from xai_core.bias.settings import NOTHING
from xai_core.bias.summary import SUMMARY_METRICS
from xai_core.wording import UNDEFINED, number

Values = Mapping[str, Any]
TEMPLATE = "report.html.jinja"


def page(models: Sequence[Values], title: str = "Bias") -> str:
    """Return a page about one model or several side by side, each as `metrics` computed it."""
    return _template().render(
        title=title,
        models=models,
        disparate_impact=DISPARATE_IMPACT,
        interval_level=models[0]["settings"]["interval_level"] if models else 0,
        resampling=", ".join(sorted({_resampling(model["settings"]) for model in models})),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("xai_core.bias"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "interval": _interval}
    environment.globals |= {
        "UNDEFINED": UNDEFINED,
        "SUMMARY_METRICS": SUMMARY_METRICS,
        "CLASS_METRICS": CLASS_METRICS,
        "LEAKAGE": LEAKAGE,
        "comparisons": comparisons,
        "class_comparisons": class_comparisons,
        "class_metrics": class_metrics,
        "metrics_in": _metrics_in,
    }
    return environment.get_template(TEMPLATE)


def _metrics_in(group: Values, scope: Scope) -> list[GroupMetric]:
    """Return the metrics of a scope that were computed for a group of pictures."""
    return [metric for metric in metrics_of(scope) if metric.id in group["by_group"][0]]


def _interval(rate: Values) -> str:
    between = "" if rate["low"] is None else f" [{number(rate['low'])}, {number(rate['high'])}]"
    return number(rate["value"]) + between


def _resampling(settings: Values) -> str:
    within = "" if settings["stratify_by"] == NOTHING else f" stratified by {settings['stratify_by']}"
    return f"{settings['bootstrap_samples']} bootstrap samples{within}"
