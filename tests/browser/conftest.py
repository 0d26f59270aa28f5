"""The app itself, running, and a tab in Chromium."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.browser_session import PATIENCE, ROOT, new_page, streamlit_app
from tests.browser_session import browser as browser


@pytest.fixture(scope="session")
def app() -> Iterator[str]:
    with streamlit_app(ROOT / "server.py", VITRINE_STEP_SECONDS=str(PATIENCE)) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with new_page(browser) as found:
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that failed what its page showed."""
    report = yield
    shown = item.funcargs.get("page")
    if report.failed and isinstance(shown, Page):
        report.sections.append(("Page", _what_is_shown(shown)))
    return report


def _what_is_shown(page: Page) -> str:
    try:
        return f"{page.url}\n{page.inner_text('body', timeout=5000)[:4000]}"
    except Error as error:
        return f"The page does not answer: {error}"
