"""The app itself, running, and a tab in Chromium."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.browser import person
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


@pytest.fixture(scope="module")
def explained(browser: Browser, app: str) -> Iterator[Page]:
    """A tab that tests of a file share: it has the sample model and the cat, and stood at Explain."""
    with new_page(browser) as found:
        person.start(found, app)
        person.use_sample_model(found, "PyTorch")
        person.add_sample_picture(found, "Cat")
        person.go_to_explain(found)
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that failed what its page showed."""
    report = yield
    shown = next((value for value in item.funcargs.values() if isinstance(value, Page)), None)
    if report.failed and shown:
        report.sections.append(("Page", _what_is_shown(shown)))
    return report


def _what_is_shown(page: Page) -> str:
    try:
        return f"{page.url}\n{page.inner_text('body', timeout=5000)[:4000]}"
    except Error as error:
        return f"The page does not answer: {error}"
