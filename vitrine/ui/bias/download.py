"""All figures as files: CSV tables, JSON of full precision, and one page of HTML."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from vitrine.ui.background import answer_of
from vitrine.ui.bias.filters import Part, applied, values_of
from vitrine.ui.controls import declared
from vitrine.ui.text import literal
from xai_core.bias.predictions import Predictions
from xai_core.bias.predictions_file import PREDICTIONS, predictions_csv
from xai_core.bias.progress import Tell
from xai_core.bias.settings import Attack, Settings
from xai_core.bias.tables import csv_tables, metrics, page
from xai_core.report import json_bytes

Values = dict[str, Any]


def downloads(parts: Sequence[Part], settings: Settings) -> None:
    """Offer the figures of all models, of the pictures that are looked at, once they were worked out."""
    _predictions(parts)
    st.caption(
        "All figures of all models, of the pictures that the filters let through; of every attribute also its groups "
        "and its leakage, which takes a while. Each chart has a button of its own that saves it as PNG."
    )
    choice, button = st.columns([2, 1], vertical_alignment="bottom")
    with choice:
        attack = declared(Attack)
    what = ("metrics", repr((settings, attack)))
    if button.button("Work out all figures", key="bias.work-out", icon=":material/calculate:", width="stretch"):
        for part in parts:
            own = applied(part, settings)
            part.begin(what, partial(_metrics, name=part.name, settings=own, attack=attack))
    jobs = [part.begun(what) for part in parts]
    if any(job is None for job in jobs):
        return
    working = [job for job in jobs if job is not None and not job.state.ended]
    shown = working[:1] or jobs
    found = [answer_of(job, "Working out all figures", "bias.cancel-all") for job in shown if job is not None]
    if not working and all(found):
        named = [one | {"name": part.name} for one, part in zip(found, parts, strict=True) if one]
        _offer(named)


def _predictions(parts: Sequence[Part]) -> None:
    """Offer the predictions that are looked at, of each model, as a table that can be uploaded again."""
    st.caption("The predictions that the filters let through, as a table that can be uploaded again.")
    for part, column in zip(parts, st.columns(max(3, len(parts))), strict=False):
        column.download_button(
            "Predictions (CSV)" if len(parts) == 1 else f"{literal(part.name, 40)} (CSV)",
            partial(_encoded, part.found),
            PREDICTIONS,
            "text/csv",
            key=f"bias.predictions.{part.held.number}",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )


def _metrics(found: Predictions, tell: Tell, *, name: str, settings: Settings, attack: Attack) -> Values:
    attributes = [one for one, values in values_of(found).items() if len(values) > 1]
    return metrics(replace(found, name=name), attributes, settings=settings, attack=attack, tell=tell)


def _offer(models: Sequence[Values]) -> None:
    tables, whole, html = st.columns(3)
    values = json_bytes(models[0] if len(models) == 1 else list(models))
    for column, title, data, name, kind in (
        (tables, "Tables (CSV in a zip)", zipped(models), "bias.zip", "application/zip"),
        (whole, "Figures (metrics.json)", values, "metrics.json", "application/json"),
        (html, "Page (HTML)", page(models, "Bias"), "bias.html", "text/html"),
    ):
        column.download_button(title, data, name, kind, icon=":material/download:", on_click="ignore", width="stretch")


def zipped(models: Sequence[Values]) -> bytes:
    """Return the tables of all models in a zip, those of several in a folder each."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, one in enumerate(models, 1):
            folder = "" if len(models) == 1 else f"model_{number}/"
            for name, text in csv_tables(one).items():
                archive.writestr(folder + name, text)
    return file.getvalue()


def _encoded(found: Predictions) -> bytes:
    return predictions_csv(found).encode()
