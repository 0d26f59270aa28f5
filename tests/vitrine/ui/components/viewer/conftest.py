"""Fixtures for the viewer's tests: the page that shows it, and its JavaScript loaded into an empty page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser_session import browser as browser
from browser_session import new_page, open_app, streamlit_app, wait_until_quiet
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


@contextmanager
def drawn_viewer(browser: Browser, address: str, sent: list[str | bytes]) -> Iterator[Page]:
    with new_page(browser) as opened:
        opened.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
        open_app(opened, address)
        opened.get_by_role("application").first.wait_for()
        wait_until_quiet(opened)
        sent.clear()
        yield opened


@pytest.fixture
def sent() -> list[str | bytes]:
    """The messages that the page of a test sent to the server since it was drawn."""
    return []


@pytest.fixture
def page(browser: Browser, address: str, sent: list[str | bytes]) -> Iterator[Page]:
    """The viewer with two panels of 224 x 224, drawn."""
    with drawn_viewer(browser, address, sent) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_page(browser: Browser, address: str) -> Iterator[Page]:
    """The same, for the tests that change nothing but the zoom and the pixel."""
    with drawn_viewer(browser, address, []) as opened:
        yield opened


@pytest.fixture
def shown(shared_page: Page) -> Page:
    """The shared page with the whole picture in sight."""
    if shared_page.locator(".zoom-level").inner_text() != "100%":
        shared_page.get_by_role("button", name="Reset zoom").click()
    return shared_page


@pytest.fixture(scope="module")
def code(browser: Browser) -> Iterator[Page]:
    """An empty page whose `window.viewer` holds the viewer's functions."""
    with new_page(browser) as opened:
        opened.goto("about:blank")
        opened.evaluate(LOAD, f"{browser_code()}\nexport {{ {NAMES} }};")
        yield opened
