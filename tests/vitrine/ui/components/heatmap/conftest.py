"""A page without anything whose `window.heatmap` holds the component's functions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_session import browser as browser
from browser_session import new_page
from playwright.sync_api import Browser, Page

from vitrine.ui.components.heatmap.component import browser_code

NAMES = (
    "layoutOf, fittingHeight, linesFor, cellAt, steppedCell, nearestLine, scaleOf, namedEpochs, inkOn, unpackedRows, "
    "spokenCell"
)
LOAD = """async (code) => {
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  window.heatmap = await import(address);
}"""


@pytest.fixture(scope="module")
def code(browser: Browser) -> Iterator[Page]:
    with new_page(browser) as opened:
        opened.goto("about:blank")
        opened.evaluate(LOAD, f"{browser_code()}\nexport {{ {NAMES} }};")
        yield opened
