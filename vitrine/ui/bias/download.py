"""All metrics as files: CSV tables, JSON in full precision, and an HTML report."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from vitrine.ui.background import answer_of
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.text import literal
from vitrine.ui.settings.controls import declared
from xai_core.bias.metrics import Values, metrics
from xai_core.bias.page import page
from xai_core.bias.predictions import Predictions
from xai_core.bias.predictions_file import PREDICTIONS, predictions_csv
from xai_core.bias.progress import Progress
from xai_core.bias.settings import Attack
from xai_core.bias.tables import csv_tables
from xai_core.report import json_bytes


def downloads(selections: Sequence[Selection]) -> None:
    """Offer the predictions of every model and, once they are computed, all metrics."""
    _predictions(selections)
    st.caption(
        "All metrics of all models, for the pictures that pass the filters. Every attribute adds its groups and its "
        "leakage, which takes a while. Each chart has its own button that saves it as PNG."
    )
    choice, button = st.columns([2, 1], vertical_alignment="bottom")
    with choice:
        attack = declared(Attack)
    keys = [("metrics", repr((selection.settings, attack))) for selection in selections]
    if button.button("Compute all metrics", key="bias.work-out", icon=":material/calculate:", width="stretch"):
        for selection, key in zip(selections, keys, strict=True):
            selection.begin(key, partial(_metrics, selection, attack))
    _results(selections, keys)


def _results(selections: Sequence[Selection], keys: Sequence[object]) -> None:
    """Show the progress of the metrics, and offer them once those of all models are ready."""
    jobs = [job for selection, key in zip(selections, keys, strict=True) if (job := selection.begun(key)) is not None]
    if len(jobs) < len(selections):
        return
    running = [job for job in jobs if not job.state.ended]
    results = [answer_of(job, "Computing all metrics", "bias.cancel-all") for job in running[:1] or jobs]
    if not running and all(results):
        _offer(
            [values | {"name": selection.name} for values, selection in zip(results, selections, strict=True) if values]
        )


def _predictions(selections: Sequence[Selection]) -> None:
    """Offer the predictions of each model as a table that can be uploaded again."""
    st.caption("The predictions that pass the filters, as a table that can be uploaded again.")
    for selection, column in zip(selections, st.columns(max(3, len(selections))), strict=False):
        column.download_button(
            "Predictions (CSV)" if len(selections) == 1 else f"{literal(selection.name, 40)} (CSV)",
            partial(_encoded, selection.predictions),
            PREDICTIONS,
            "text/csv",
            key=f"bias.predictions.{selection.held.number}",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )


def _encoded(predictions: Predictions) -> bytes:
    return predictions_csv(predictions).encode()


def _metrics(selection: Selection, attack: Attack, predictions: Predictions, progress: Progress) -> Values:
    named = replace(predictions, name=selection.name)
    attributes = list(selection.attributes)
    return metrics(named, attributes, settings=selection.settings, attack=attack, progress=progress)


def _offer(models: Sequence[Values]) -> None:
    values = json_bytes(models[0] if len(models) == 1 else list(models))
    offers: tuple[tuple[str, str | bytes, str, str], ...] = (
        ("Tables (CSV in a zip)", zipped(models), "bias.zip", "application/zip"),
        ("Metrics (metrics.json)", values, "metrics.json", "application/json"),
        ("Report (HTML)", page(models, "Bias"), "bias.html", "text/html"),
    )
    for column, (title, data, name, kind) in zip(st.columns(3), offers, strict=True):
        column.download_button(title, data, name, kind, icon=":material/download:", on_click="ignore", width="stretch")


def zipped(models: Sequence[Values]) -> bytes:
    """Return the tables of all models in a zip; several models get a folder each."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, values in enumerate(models, 1):
            folder = "" if len(models) == 1 else f"model_{number}/"
            for name, text in csv_tables(values).items():
                archive.writestr(folder + name, text)
    return file.getvalue()
