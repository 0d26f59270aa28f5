"""The viewer as a person meets it, in Chromium."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
from browser_session import wait_until_quiet
from playwright.sync_api import Locator, Page, expect

SCRIPT = Path(__file__).with_name("viewer_script.py")
PIXELS = "canvas => canvas.toDataURL()"


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)


def grab(page: Page, name: str, share: float) -> None:
    """Press the mouse on a slider and move it to a share of its length, without letting go."""
    box = slider(page, name).bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, middle, steps=5)


def next_maps(page: Page) -> None:
    page.get_by_role("button", name="Next").click()
    page.get_by_text("Maps 1").wait_for()
    wait_until_quiet(page)


def map_canvas(page: Page) -> Locator:
    return page.locator(".map canvas").first


def settled(page: Page) -> str:
    """The state that Python holds, as the page prints it."""
    return page.locator("[data-testid=stCode]").inner_text()


def test_opacity_follows_the_finger_and_python_hears_of_it_on_release(page: Page, sent: list[str | bytes]) -> None:
    grab(page, "Opacity", 0)
    expect(page.locator(".overlay canvas").nth(1)).to_have_css("opacity", "0")
    assert sent == []
    page.mouse.up()
    expect(page.locator("[data-testid=stCode]")).to_contain_text("opacity=0,")
    assert len(sent) == 1


def test_sigma_redraws_the_map_while_it_moves_and_python_hears_of_it_on_release(
    page: Page, sent: list[str | bytes]
) -> None:
    page.get_by_role("switch", name="ForGrad").check()
    expect(page.locator("[data-testid=stCode]")).to_contain_text("ForGrad(sigma=15")
    before, count = map_canvas(page).evaluate(PIXELS), len(sent)
    grab(page, "Sigma", 0)
    expect(page.locator(".spectrum .note").first).to_contain_text("Kept: 0.00996% of frequencies")
    assert map_canvas(page).evaluate(PIXELS) != before
    assert len(sent) == count
    page.mouse.up()
    expect(page.locator("[data-testid=stCode]")).to_contain_text("ForGrad(sigma=1,")


def test_zoom_and_settings_stay_when_new_maps_arrive(page: Page) -> None:
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_label("Colour map").select_option("viridis")
    page.get_by_role("switch", name="Absolute value").check()
    expect(page.locator("[data-testid=stCode]")).to_contain_text("filters=(Absolute(),)")
    before = map_canvas(page).evaluate(PIXELS)
    next_maps(page)
    expect(page.locator(".zoom-level")).to_have_text("125%")
    canvas = map_canvas(page).element_handle()
    page.wait_for_function("([canvas, before]) => canvas.toDataURL() !== before", arg=[canvas, before])
    assert "scale(1.25)" in (page.locator(".overlay .layer").first.get_attribute("style") or "")
    expect(page.get_by_label("Colour map")).to_have_value("viridis")
    expect(page.get_by_role("switch", name="Absolute value")).to_be_checked()
    assert "colour_map='viridis'" in settled(page)
    assert "filters=(Absolute(),)" in settled(page)


def test_the_wheel_zooms_all_panes_about_the_pointer(shown: Page) -> None:
    shown.locator(".map .stage").first.hover(position={"x": 20, "y": 20})
    shown.mouse.wheel(0, -200)
    expect(shown.locator(".zoom-level")).not_to_have_text("100%")
    assert (
        len({layer.get_attribute("style") for layer in shown.locator(":is(.photo, .map, .overlay) .layer").all()}) == 1
    )


def test_dragging_pans_and_reset_brings_the_whole_picture_back(shown: Page) -> None:
    shown.get_by_role("button", name="Zoom in").click()
    stage, layer = shown.locator(".map .stage").first, shown.locator(".photo .layer").first
    before = layer.get_attribute("style")
    stage.drag_to(stage, source_position={"x": 30, "y": 30}, target_position={"x": 60, "y": 60})
    expect(layer).not_to_have_attribute("style", before or "")
    shown.get_by_role("button", name="Reset zoom").click()
    expect(layer).to_have_attribute("style", "transform: translate(0%, 0%) scale(1);")


def test_the_value_under_the_pointer_is_the_maps(shown: Page) -> None:
    box = shown.locator(".photo .stage").first.bounding_box()
    assert box
    shown.mouse.move(box["x"] + box["width"] * 100.5 / 224, box["y"] + box["height"] * 60.5 / 224)
    readout = shown.locator(".readout").first
    expect(readout).to_contain_text("x 100  y 60  value")
    value, error = re.findall(r"value (.\d?\S*) ± (\S+)", readout.inner_text())[0]
    expected = runpy.run_path(str(SCRIPT))["waves"](224, 224, 0)[60, 100]
    np.testing.assert_allclose(float(value.replace("−", "-")), expected, rtol=5e-3)
    np.testing.assert_allclose(float(error), abs(expected) / 10, rtol=5e-3)


def test_the_keyboard_reads_pixels_and_zooms(page: Page) -> None:
    page.locator(".photo .stage").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".readout").first).to_contain_text("x 113  y 112")
    page.keyboard.press("+")
    expect(page.locator(".zoom-level")).to_have_text("125%")


def test_a_click_picks_a_pixel(shown: Page) -> None:
    shown.locator(".overlay .stage").first.click(position={"x": 1, "y": 1})
    expect(shown.locator("[data-testid=stCode]")).to_contain_text("picked=Picked(panel='tabby <b>cat</b>', x=0, y=0)")


def test_names_are_shown_as_they_are_and_never_as_markup(shown: Page) -> None:
    expect(shown.locator(".title").first).to_have_text("tabby <b>cat</b>")


def test_panes_can_be_hidden_but_for_the_last(page: Page) -> None:
    for name in ("Show photo", "Show map", "Show overlay"):
        page.get_by_role("button", name=name).click()
    page.get_by_role("button", name="Show spectrum").wait_for(state="hidden")
    expect(page.locator(".overlay").first).to_be_visible()
    expect(page.locator(".photo").first).to_be_hidden()


def test_settings_stay_when_the_viewer_moves_to_another_place(page: Page) -> None:
    page.get_by_role("switch", name="ForGrad").check()
    expect(page.locator("[data-testid=stCode]")).to_contain_text("ForGrad(sigma=15")
    page.get_by_role("switch", name="ForGrad").evaluate("input => { input.title = 'before' }")
    page.get_by_role("button", name="Move").click()
    page.locator("[data-testid=stColumn]").get_by_role("application").first.wait_for()
    expect(page.get_by_role("switch", name="ForGrad")).not_to_have_attribute("title", "before")
    expect(page.get_by_role("switch", name="ForGrad")).to_be_checked()


def test_side_by_side_each_map_shows_its_overlay_with_a_frame_and_nothing_outside(page: Page) -> None:
    page.get_by_text("Side by side").click()
    expect(page.locator(".overlay .frame:visible")).to_have_count(2)
    expect(page.locator(".map:visible")).to_have_count(0)
    tops = [row.bounding_box()["y"] for row in page.locator(".row").all()]
    assert len(set(tops)) == 1
    size = page.locator(".overlay .stage").first.bounding_box()
    page.mouse.move(size["x"] + 5, size["y"] + 5)
    expect(page.locator(".readout").first).to_contain_text("value 0")
    page.get_by_role("button", name="Show map").click()
    expect(page.locator(".map:visible")).to_have_count(2)
