"""The app itself, running, and a tab in Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser_session import ROOT, new_page, streamlit_app
from tests.browser_session import browser as browser


@pytest.fixture(scope="session")
def app() -> Iterator[str]:
    with streamlit_app(ROOT / "app.py", VITRINE_STEP_SECONDS="10") as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with new_page(browser) as found:
        yield found
