"""What all pages share: a link leads where it says."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.browser_session import ROOT


@pytest.mark.parametrize("left", ["model", "explain"])
def test_a_run_of_the_page_that_is_left_does_not_keep_a_click_there(monkeypatch, left: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()

    def begin_once_more(*given: object, **named: object) -> None:
        """Do what the other run does while this one is on its way to the navigation."""
        run = get_script_run_ctx()
        assert run
        run.pages_manager.set_script_intent(calc_hash(left), "")

    monkeypatch.setattr(st, "logo", begin_once_more)
    app.switch_page("pages/methods.py").run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Methods"]
