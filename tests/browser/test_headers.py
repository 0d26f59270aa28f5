"""The policy that every answer carries refuses nothing that the app's own pages need."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser

from tests.browser import person
from tests.browser_session import PATIENCE, open_app

PAGES = ("detection", "bias", "training", "methods")


@pytest.mark.long
def test_the_policy_refuses_nothing_that_pages_need(browser: Browser, app: str) -> None:
    refused: list[str] = []
    with browser.new_context() as context:  # which obeys the policy; other tests switch it off to look inside pages
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
        person.start(page, app)
        person.use_sample_model(page, "PyTorch")
        person.go_to_explain(page)
        person.wait_for_answer(page)
        for name in PAGES:
            open_app(page, f"{app}/{name}")
    assert refused == []


def test_the_first_page_answers_under_its_name_too(app: str) -> None:
    with urlopen(f"{app}/model?method=rise", timeout=PATIENCE) as answer:
        assert answer.url == f"{app}/?method=rise"


def test_a_request_under_a_foreign_host_name_gets_nothing(app: str) -> None:
    with pytest.raises(HTTPError, match="403"):
        urlopen(Request(app, headers={"Host": "evil.example"}), timeout=PATIENCE)
