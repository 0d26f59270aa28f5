"""Import what pages need, and start a process that reads files, before a first visitor has to wait for it."""

from __future__ import annotations

import importlib
import logging
import threading

LOG = logging.getLogger(__name__)
MODULES = (
    "vitrine.ui.trust.answer",
    "vitrine.ui.explain.question",
    "vitrine.ui.explain.results",
    "vitrine.ui.explain.runs",
    "vitrine.ui.model.card",
    "vitrine.ui.model.source",
    "vitrine.ui.drawing.guide",
    "streamlit.dataframe_util",
    "pandas",
    "pyarrow",
    "plotly.io",
    "vitrine.ui.detection.boxes",
    "vitrine.ui.detection.panel",
    "vitrine.ui.detection.results",
    "vitrine.ui.training.source",
    "vitrine.ui.training.rows",
    "vitrine.ui.training.flow",
    "vitrine.ui.training.table",
    "vitrine.ui.bias.source",
    "vitrine.ui.bias.tabs",
    "vitrine.ui.bias.selection",
    "vitrine.ui.bias.published",
)


def begin() -> None:
    """Start both in the background; a visitor who arrives meanwhile waits only for the modules that the page needs."""
    threading.Thread(target=_make_ready, name="warm-up", daemon=True).start()


def _make_ready() -> None:
    _import()
    from vitrine.ui import session  # not before: the server starts at once

    session.spare_parser().prepare()


def _import() -> None:
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception:  # the page that needs it will say so
            LOG.exception("%s could not be imported in advance.", name)
