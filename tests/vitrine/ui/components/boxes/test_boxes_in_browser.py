"""The picture with boxes as a person meets it, in Chromium."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def click(page: Page, x: float, y: float, *modifiers: str) -> None:
    """Click a place of the photo, given in its pixels."""
    size = page.locator(".stage").bounding_box()
    assert size
    position = {"x": size["width"] * x / 400, "y": size["height"] * y / 300}
    page.locator(".stage").click(position=position, modifiers=list(modifiers))


def expect_chosen(page: Page, *numbers: int) -> None:
    expect(page.locator("[data-testid=stCode]")).to_contain_text(f"chosen {list(numbers)}")


def box(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_a_click_chooses_the_smallest_box_and_a_second_one_lets_go(page: Page) -> None:
    click(page, 90, 90)
    expect_chosen(page, 2)
    expect(box(page, "2: <b>cat</b>, 84%")).to_have_attribute("aria-pressed", "true")
    click(page, 30, 200)
    expect_chosen(page, 1)
    click(page, 30, 200)
    expect_chosen(page)


def test_with_control_several_are_chosen_up_to_the_most(page: Page) -> None:
    click(page, 90, 90)
    click(page, 30, 200, "Control")
    expect_chosen(page, 2, 1)
    click(page, 340, 200, "Shift")
    expect_chosen(page, 1, 3)


def test_a_click_beside_all_boxes_changes_nothing(page: Page) -> None:
    click(page, 90, 90)
    expect_chosen(page, 2)
    click(page, 260, 40)
    expect_chosen(page, 2)


def test_the_keyboard_reaches_every_box_and_chooses(fresh_page: Page) -> None:
    page = fresh_page
    page.get_by_role("button", name="Reset zoom").focus()
    page.keyboard.press("Tab")
    expect(box(page, "1: dog, 91%")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect_chosen(page, 2)
    page.keyboard.press("End")
    page.keyboard.press("Control+Enter")
    expect_chosen(page, 2, 3)
    expect(box(page, "3: bird, 40%, below the threshold")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".box:focus")).to_have_count(0)


def test_what_python_chooses_is_shown(page: Page) -> None:
    click(page, 90, 90)
    expect_chosen(page, 2)
    page.get_by_role("button", name="Choose the third").click()
    expect_chosen(page, 3)
    expect(box(page, "3: bird, 40%, below the threshold")).to_have_attribute("aria-pressed", "true")
    expect(box(page, "2: <b>cat</b>, 84%")).to_have_attribute("aria-pressed", "false")


def test_boxes_move_with_the_zoomed_photo_and_can_still_be_clicked(page: Page) -> None:
    before = box(page, "2: <b>cat</b>, 84%").bounding_box()
    page.locator(".stage").hover(position={"x": 2, "y": 2})
    page.mouse.wheel(0, -200)
    expect(page.locator(".zoom-level")).not_to_have_text("100%")
    after = box(page, "2: <b>cat</b>, 84%").bounding_box()
    assert before
    assert after
    assert after["width"] > 1.3 * before["width"]
    page.mouse.click(after["x"] + after["width"] / 2, after["y"] + after["height"] / 2)
    expect_chosen(page, 2)
    page.get_by_role("button", name="Reset zoom").click()
    expect(page.locator(".zoom-level")).to_have_text("100%")


def test_dragging_a_zoomed_photo_chooses_nothing(page: Page) -> None:
    page.get_by_role("button", name="Zoom in").click()
    stage = page.locator(".stage")
    stage.drag_to(stage, source_position={"x": 90, "y": 90}, target_position={"x": 160, "y": 150})
    expect_chosen(page)
    assert "scale(1.25)" in (page.locator(".layer").get_attribute("style") or "")


def test_names_are_shown_as_they_are_and_never_as_markup(page: Page) -> None:
    expect(page.locator(".tag .rest").nth(1)).to_have_text("<b>cat</b>, 84%")
