"""From a history to one of its pictures on the Explain page, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser import person
from tests.browser_session import wait_until_quiet


def test_a_row_of_the_sample_is_read_zoomed_chosen_and_sent_to_be_explained(page: Page, app: str) -> None:
    person.start(page, f"{app}/training")
    page.get_by_role("tab", name="Sample", exact=True).click()
    page.locator(".st-key-use-history-mnist_20_epochs button").click()
    rows = page.get_by_role("application")
    expect(rows).to_have_attribute("aria-label", "Predictions of 600 pictures in 20 epochs.")
    wait_until_quiet(page)

    rows.hover(position={"x": 300, "y": 200})
    tip = page.locator(".tip")
    expect(tip).to_contain_text("predicted: ")
    expect(tip.locator("canvas")).to_be_visible()
    name = tip.locator("strong").inner_text()
    rows.click(position={"x": 300, "y": 200})
    expect(page.get_by_role("heading", name=name)).to_be_visible()

    rows.focus()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".said")).to_contain_text(": predicted ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_have_count(0)
    page.get_by_role("button", name="Explain this picture").click()
    expect(page.get_by_role("heading", name="Explain", exact=True)).to_be_visible()
