"""What all pages share: a navigation link opens its page; an error that nothing caught is a sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.browser_session import ROOT
from vitrine.ui.frame import explain_every_error


@pytest.mark.parametrize("old", ["model", "explain"])
def test_a_click_is_followed_even_if_the_old_page_starts_over(monkeypatch, old: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).run()

    def start_over(*given: object, **named: object) -> None:
        """Do what a run of the old page does just before this run draws the navigation."""
        run = get_script_run_ctx()
        assert run
        run.pages_manager.set_script_intent(calc_hash(old), "")

    monkeypatch.setattr(st, "logo", start_over)
    app.switch_page("pages/methods.py").run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Methods"]


def on_a_page() -> None:
    raise ZeroDivisionError("secret words")


def in_a_fragment() -> None:
    import streamlit as st

    @st.fragment
    def part() -> None:
        raise ZeroDivisionError("secret words")

    part()


def in_a_callback() -> None:
    import streamlit as st

    def call() -> None:
        raise ZeroDivisionError("secret words")

    st.button("Press", on_click=call)


def a_sentence() -> None:
    from xai_core.errors import DataError

    raise DataError("The table has *no* rows. Add some.")


@pytest.mark.parametrize("script", [on_a_page, in_a_fragment, in_a_callback])
def test_an_error_that_nothing_caught_is_a_sentence_with_its_reference_in_the_log(
    script: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    explain_every_error()
    app = AppTest.from_function(script).run()
    for button in app.button:
        button.click().run()
    assert not app.exception
    (shown,) = app.error
    words = shown.value.replace("\\", "")
    assert words.startswith("This page failed (ZeroDivisionError). The log has more under the reference ")
    (record,) = [one for one in caplog.records if one.name == "xai_core.errors"]
    assert words.split()[-1].rstrip(".") in record.getMessage()
    assert "secret words" in logging.Formatter().format(record)


def test_a_foreseen_error_that_nothing_caught_is_shown_as_it_is() -> None:
    explain_every_error()
    app = AppTest.from_function(a_sentence).run()
    assert not app.exception
    assert app.error[0].value == r"The table has \*no\* rows\. Add some\."
