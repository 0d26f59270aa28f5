"""One model class by class: metrics, confusion matrix, curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from vitrine.ui.bias.confusion import confusions
from vitrine.ui.bias.curves import calibrated, roc_curves
from vitrine.ui.bias.forms import KEPT
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.charts import COUNT, bars, readable
from vitrine.ui.drawing.text import literal
from xai_core.bias.classes import CLASS_METRICS, ClassFigures, ClassMetric
from xai_core.bias.values import Value
from xai_core.wording import UNDEFINED, capitalised


def classes(selection: Selection) -> None:
    """Show one of the views of a model's classes."""
    views = {"Metrics": _metrics, "Confusion": confusions, "ROC curves": roc_curves, "Calibration": calibrated}
    view = st.segmented_control(
        "View", list(views), default="Metrics", key="bias.view", label_visibility="collapsed", persist_state=KEPT
    )
    views[view or "Metrics"](selection)


def _metrics(selection: Selection) -> None:
    figures = selection.class_figures()
    columns: dict[str, Any] = {
        metric.id: st.column_config.NumberColumn(metric.title, format="%.3f", help=capitalised(metric.meaning))
        for metric in CLASS_METRICS
    }
    counts = {
        name: st.column_config.NumberColumn(title, format=COUNT)
        for name, title in (("samples", "Pictures"), ("predicted", "Predicted"))
    }
    st.dataframe(
        pd.DataFrame([asdict(each) for each in figures]),
        hide_index=True,
        placeholder=UNDEFINED,
        column_config={"label": "Class"} | counts | columns,
        key="bias.classes",
        alt="The metrics of every class",
    )
    offered = [m for m in CLASS_METRICS if any(getattr(each, m.id) is not None for each in figures)]
    by_id = {metric.id: metric for metric in offered}
    chosen = st.selectbox(
        "Chart", list(by_id), format_func=lambda chosen: by_id[chosen].title, key="bias.bars", persist_state=KEPT
    )
    if chosen is not None:
        _lowest_chart(figures, by_id[chosen], selection.settings.classes_shown)


def _lowest_chart(figures: Sequence[ClassFigures], metric: ClassMetric, classes_shown: int) -> None:
    """Draw the classes in which a metric is lowest."""
    lowest = _lowest(figures, metric.id)[:classes_shown]
    shown = "" if len(lowest) == len(figures) else f" The {len(lowest)} lowest of {len(figures)} classes."
    st.caption(f"{metric.title}: {literal(metric.meaning, 400)}.{shown}")
    values = [getattr(each, metric.id) for each in lowest]
    chart = bars(values, [each.label for each in lowest], metric.title, top=1.0 if metric.share else None)
    st.plotly_chart(readable(chart), key="bias.chart.classes", alt=f"{metric.title} of the classes where it is lowest")


def _lowest(figures: Sequence[ClassFigures], metric: str) -> list[ClassFigures]:
    def place(each: ClassFigures) -> tuple[bool, float]:
        value: Value = getattr(each, metric)
        return value is None, value or 0.0

    return sorted(figures, key=place)
