"""Fixtures for the viewer's tests: the page that shows it, and its JavaScript loaded into an empty page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_session import browser as browser
from browser_session import new_page, open_app, streamlit_app
from playwright.sync_api import Browser, Page

from vitrine.ui.components.viewer.component import browser_code

NAMES = "spectrumOf, lowPassed, filtered, cutTo, FILTERS, scaleFor, colour, unpacked, Navigation, inWords"
LOAD = """async (code) => {
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  window.viewer = await import(address);
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with streamlit_app(Path(__file__).with_name("viewer_script.py")) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The viewer with two panels of 224 x 224, drawn."""
    with new_page(browser) as opened:
        open_app(opened, address)
        opened.get_by_role("application").first.wait_for()
        yield opened


@pytest.fixture(scope="module")
def code(browser: Browser) -> Iterator[Page]:
    """An empty page whose `window.viewer` holds the viewer's functions."""
    with new_page(browser) as opened:
        opened.goto("about:blank")
        opened.evaluate(LOAD, f"{browser_code()}\nexport {{ {NAMES} }};")
        yield opened
