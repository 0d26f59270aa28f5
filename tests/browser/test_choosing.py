"""Finding a method: the list of all methods, the Methods page, and links between them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import person
from tests.browser_session import ROOT, open_app, streamlit_app, wait_until_quiet


@pytest.fixture
def explaining(explained: Page) -> Page:
    """The Explain page with the sample model and the cat."""
    person.go_to_explain(explained)
    return explained


def expect_chosen(page: Page, option: str) -> None:
    expect(page.locator(".st-key-method input")).to_have_value(option)


def test_a_method_is_found_and_chosen_by_keyboard(explaining: Page) -> None:
    page = explaining
    page.get_by_role("button", name="All methods").press("Enter")
    field = page.get_by_role("dialog").get_by_label("Search")
    field.focus()
    page.keyboard.type("mean gradient")
    expect(page.get_by_role("button", name="Choose Saliency")).to_have_count(0)
    grad_cam = page.get_by_role("button", name="Choose Grad-CAM", exact=True)
    expect(grad_cam).to_have_count(1)  # the cards of the list before leave after the new ones came
    grad_cam.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect_chosen(page, "Grad-CAM")
    wait_until_quiet(page)
    assert "method=grad_cam" in page.url


@pytest.mark.long
def test_the_list_stays_open_when_an_answer_arrives_and_closes_with_escape(page: Page, app: str) -> None:
    person.start(page, app)
    person.use_sample_model(page, "PyTorch")
    person.add_sample_picture(page, "Cat")
    person.go_to_explain(page)
    page.get_by_role("button", name="All methods").click()
    expect(page.get_by_text("completeness error").first).to_be_attached()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    person.wait_for_answer(page)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_the_sample_can_not_do_says_why(explaining: Page) -> None:
    explaining.get_by_role("button", name="All methods").click()
    expect(explaining.get_by_role("button", name="Choose Attention rollout")).to_be_disabled()
    expect(explaining.get_by_text("Attention rollout needs attention weights").first).to_be_visible()
    explaining.keyboard.press("Escape")
    expect(explaining.get_by_role("dialog")).to_have_count(0)


def test_a_method_is_tried_from_the_methods_page(explaining: Page) -> None:
    page = explaining
    person.go_to(page, "Methods", "Methods")
    page.locator(".st-key-entry-saliency").get_by_role("link", name="Try it").click()
    expect(page.get_by_role("heading", name="Explain", exact=True)).to_be_visible()
    expect_chosen(page, "Saliency")


@pytest.mark.long
@pytest.mark.parametrize(
    ("link", "heading"),
    [("explain?method=rise", "Explain"), ("methods", "Methods")],
)
def test_the_first_visitor_of_a_server_may_come_by_a_link(page: Page, link: str, heading: str) -> None:
    with streamlit_app(ROOT / "server.py") as address:
        open_app(page, f"{address}/{link}")
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Model", exact=True).first).to_be_visible()
        assert page.url.endswith(link)
