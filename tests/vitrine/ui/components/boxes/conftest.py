"""Fixtures: a page that shows the picture with boxes, and its JavaScript loaded into an empty page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_session import browser as browser
from browser_session import new_page, open_app, streamlit_app
from playwright.sync_api import Browser, Page

from vitrine.ui.components.boxes.component import browser_code

NAMES = "boxAt, chosenWith, stepped, spoken, tagsFor, placedTags, unpackedBoxes"
LOAD = """async (code) => {
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  window.boxes = await import(address);
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with streamlit_app(Path(__file__).with_name("boxes_script.py")) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The picture with three boxes, drawn."""
    with new_page(browser) as opened:
        open_app(opened, address)
        opened.locator(".box").first.wait_for()
        yield opened


@pytest.fixture(scope="module")
def code(browser: Browser) -> Iterator[Page]:
    """An empty page whose `window.boxes` holds the component's functions."""
    with new_page(browser) as opened:
        opened.goto("about:blank")
        opened.evaluate(LOAD, f"{browser_code()}\nexport {{ {NAMES} }};")
        yield opened
