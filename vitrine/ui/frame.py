"""What all pages share: the navigation, the banner, and a sentence for anything that goes wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit import error_util
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vitrine.ui import session
from vitrine.ui.drawing.text import literal, without_code
from xai_core.errors import TryAsClassifier, TryAsDetector, VitrineError, unexpected
from xai_core.jobs.sandbox import sandbox_in_force

# Less space above than Streamlit leaves; its captions, at an opacity of 0.6, have too little contrast.
STYLE = """<style>
[data-testid=stMainBlockContainer] { padding-top: 4.5rem; max-width: 110rem }
[data-testid][data-testid=stCaptionContainer] { opacity: 0.8 }
</style>"""
# White on the dark theme's accent has a contrast of 2.4.
DARK_STYLE = """<style>
[data-testid^=stBaseButton-primary], [data-tag], [data-tag] * { color: #12171d !important }
</style>"""
NO_SANDBOX = (
    "This machine's kernel offers no Landlock, so models cannot be isolated from its files. Only state dicts, "
    "safetensors, ONNX and .keras files open here."
)
WHERE: dict[type[VitrineError], str] = {
    TryAsDetector: "Open a detector on the Detection page.",
    TryAsClassifier: "Open a classifier on the Model page.",
}
UNPROTECTED = (
    "This machine's kernel offers no Landlock, but whoever runs Vitrine here chose to open every format anyway. "
    "Upload only models that you trust."
)


def navigation() -> Page:
    """Draw the navigation and return the page that was requested in this run.

    All runs of a session share one pages manager. A run that is about to be stopped can still start over, after an
    `st.rerun`, and set its own page there. The run that answers a click would then open the old page again.
    """
    pages = [
        st.Page("pages/model.py", title="Model", icon=":material/model_training:", url_path="model", default=True),
        st.Page("pages/explain.py", title="Explain", icon=":material/search:", url_path="explain"),
        st.Page("pages/detection.py", title="Detection", icon=":material/select_all:", url_path="detection"),
        st.Page("pages/bias.py", title="Bias", icon=":material/balance:", url_path="bias"),
        st.Page("pages/training.py", title="Training", icon=":material/timeline:", url_path="training"),
        st.Page("pages/methods.py", title="Methods", icon=":material/menu_book:", url_path="methods"),
    ]
    run = get_script_run_ctx()
    page_hash = run.page_script_hash if run else ""
    page = st.navigation(pages, position="top")
    while run and page._script_hash != page_hash and any(candidate._script_hash == page_hash for candidate in pages):
        run.pages_manager.set_script_intent(page_hash, "")
        page = st.navigation(pages, position="top")
    return page


def within_app() -> None:
    """Start over through app.py if Streamlit ran a page alone.

    Because the folder is called pages, Streamlit does so until a server reaches its first `st.navigation`.
    """
    if not session.has("page"):
        navigation()
        st.rerun()


def open_page() -> None:
    """Register this tab, and warn if the machine cannot protect itself from uploaded models."""
    session.workspace()
    st.html(STYLE + (DARK_STYLE if st.context.theme.type == "dark" else ""))
    if not sandbox_in_force().complete:
        lifted = os.environ.get("VITRINE_ALLOW_NO_SANDBOX") == "1"
        st.warning(UNPROTECTED if lifted else NO_SANDBOX, icon=":material/warning:")


def fold(title: str, *, opened: bool, icon: str | None = None) -> DeltaGenerator:
    """Return a place for controls: open if `opened`, otherwise collapsed under its title.

    An expander that starts open sometimes has no height on the first page that a tab loads.
    """
    if not opened:
        return st.expander(title, icon=icon)
    place = st.container(border=True)
    place.markdown(f"{icon or ''} **{title}**".strip())
    return place


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Show a VitrineError raised inside as one sentence, and go on with the page."""
    try:
        yield
    except VitrineError as error:
        complain(error)


def explain_every_error() -> None:
    """Have Streamlit show an error that nothing caught as a sentence: on a page, in a part of one, or in a callback.

    Streamlit has one place for all of them, and no setting for what it shows there.
    """
    error_util.show_uncaught_app_exception = _in_a_sentence


def _in_a_sentence(ex: BaseException) -> None:
    complain(ex if isinstance(ex, VitrineError) else unexpected(ex, "This page failed"))


def warn(sentence: str) -> None:
    """Show a warning as one sentence."""
    st.warning(literal(sentence, 600), icon=":material/warning:")


def complain(error: VitrineError) -> None:
    """Show an error in words, with lines of code below; if the file belongs on a different page, name that page."""
    sentence, lines = without_code(f"{error} {WHERE.get(type(error), '')}".strip())
    st.error(literal(sentence, 600), icon=":material/block:")
    for line in lines:
        st.code(line, language="python", wrap_lines=True)
