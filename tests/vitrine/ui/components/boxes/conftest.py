"""Fixtures: a page that shows the picture with boxes, and its JavaScript loaded into an empty page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser_session import browser as browser
from browser_session import new_page, open_app, streamlit_app
from playwright.sync_api import Browser, Page, expect

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


@contextmanager
def drawn_boxes(browser: Browser, address: str) -> Iterator[Page]:
    with new_page(browser) as opened:
        open_app(opened, address)
        opened.locator(".box").first.wait_for()
        yield opened


@pytest.fixture
def fresh_page(browser: Browser, address: str) -> Iterator[Page]:
    """The picture with three boxes, drawn; nobody has touched it."""
    with drawn_boxes(browser, address) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_page(browser: Browser, address: str) -> Iterator[Page]:
    with drawn_boxes(browser, address) as opened:
        yield opened


@pytest.fixture
def page(shared_page: Page) -> Page:
    """The picture with three boxes, which tests share: the whole of it in sight, and no box chosen."""
    chosen = shared_page.locator('.box[aria-pressed="true"]')
    for left in reversed(range(chosen.count())):
        chosen.first.press("Control+Enter")
        expect(chosen).to_have_count(left)
    shared_page.get_by_role("button", name="Reset zoom").click()
    expect(shared_page.locator("[data-testid=stCode]")).to_contain_text("chosen []")
    return shared_page


@pytest.fixture(scope="module")
def code(browser: Browser) -> Iterator[Page]:
    """An empty page whose `window.boxes` holds the component's functions."""
    with new_page(browser) as opened:
        opened.goto("about:blank")
        opened.evaluate(LOAD, f"{browser_code()}\nexport {{ {NAMES} }};")
        yield opened
