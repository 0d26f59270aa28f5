"""What can be said of each class of one model: figures, confusion, curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from vitrine.ui.bias.confusion import confusions
from vitrine.ui.bias.curves import calibrated, roc_curves
from vitrine.ui.bias.filters import KEPT, Part
from vitrine.ui.bias.overview import figures_of
from vitrine.ui.charts import bars
from vitrine.ui.text import literal
from xai_core.bias.classes import ClassFigures, Mark
from xai_core.bias.settings import Settings
from xai_core.bias.wording import UNDEFINED, words

SHARES = ("recall", "precision", "f1", "auroc")
RATIOS = ("separation_ratio", "representation_ratio")
MEANINGS = {
    "recall": "share of the class's pictures that were taken for it",
    "precision": "share of what was taken for the class that is of it",
    "f1": "harmonic mean of precision and recall",
    "auroc": "how well the class's probability ranks its pictures above the others; 0.5 by chance",
    "separation_ratio": "mean probability of the class on its own pictures over that on the others; 1 tells nothing. "
    "No disparate impact in the legal sense: the four-fifths rule does not apply",
    "representation_ratio": "how often the class is predicted, over how often it occurs",
}


def classes(part: Part, settings: Settings) -> None:
    """Show what can be said of each class of a model."""
    shown = {"Figures": _figures, "Confusion": confusions, "ROC curves": roc_curves, "Calibration": calibrated}
    view = st.segmented_control(
        "View", list(shown), default="Figures", key="bias.view", label_visibility="collapsed", persist_state=KEPT
    )
    shown[view or "Figures"](part, settings)


def _figures(part: Part, settings: Settings) -> None:
    found = figures_of(part)
    st.dataframe(
        pd.DataFrame([asdict(one) for one in found]),
        hide_index=True,
        placeholder=UNDEFINED,
        column_config={"label": "Class", "samples": "Pictures", "predicted": "Predicted"} | _columns(),
        key="bias.classes",
        alt="The figures of every class",
    )
    offered = [name for name in MEANINGS if any(getattr(one, name) is not None for one in found)]
    name = st.selectbox("Bars of", offered, format_func=words, key="bias.bars", persist_state=KEPT)
    if name is None:
        return
    lowest = _lowest(found, name)[: settings.classes_shown]
    st.caption(f"{words(name)}: {literal(MEANINGS[name], 400)}. {_how_many(len(lowest), len(found))}")
    values = [getattr(one, name) for one in lowest]
    chart = bars(values, [one.label for one in lowest], words(name), top=1.0 if name in SHARES else None)
    st.plotly_chart(chart, key="bias.chart.classes", alt=f"{words(name)} of the classes where it is lowest")


def _columns() -> dict[str, Any]:
    return {
        name: st.column_config.NumberColumn(words(name), format="%.3f", help=meaning)
        for name, meaning in MEANINGS.items()
    }


def _lowest(found: Sequence[ClassFigures], name: str) -> list[ClassFigures]:
    def place(one: ClassFigures) -> tuple[bool, float]:
        value: Mark = getattr(one, name)
        return value is None, value or 0.0

    return sorted(found, key=place)


def _how_many(shown: int, all_: int) -> str:
    return "" if shown == all_ else f"The {shown} lowest of {all_} classes."
