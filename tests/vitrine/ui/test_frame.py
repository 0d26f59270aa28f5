"""What all pages share: a navigation link opens its page."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.browser_session import ROOT


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
