"""How far a map can be trusted, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import person


@pytest.mark.long
def test_a_map_is_checked_by_another_seed_while_the_panel_stays_open(page: Page, app: str) -> None:
    person.start(page, f"{app}/?method=rise&rise.samples=100&rise.grid=4")
    person.use_sample_model(page, "PyTorch")
    person.add_sample_picture(page, "Cat")
    person.go_to_explain(page)
    person.wait_for_answer(page)
    page.get_by_text("How far can this map be trusted?").click()
    page.get_by_role("button", name="Try a different seed").click()
    expect(page.get_by_text("A different seed gives")).to_be_visible()
    expect(page.get_by_alt_text("Seed 1 of Egyptian cat")).to_be_visible()
    more = page.get_by_role("button", name="Run until the noise is below 5%")
    more.click()
    expect(page.get_by_text("within the limit of 5%")).to_be_visible()
    expect(more).to_have_count(0)
    expect(page).not_to_have_url(re.compile(r"rise\.samples=100\b"))
    expect(page.get_by_role("button", name="Try a different seed")).to_be_visible()
