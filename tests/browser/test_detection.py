"""Why this box: from a detector's file and a picture to maps, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import person
from tests.browser_session import wait_until_quiet


@pytest.fixture
def blood(page: Page, app: str, assets: Path) -> Page:
    """The Detection page with a detector of blood cells and a picture of some."""
    person.start(
        page, f"{app}/detection?methods=ablationcam&ablationcam.channels=2&drise.samples=8000&drise.stop_at_noise=0"
    )
    picture = assets / "datasets/bccd/JPEGImages/BloodImage_00007.jpg"
    person.upload_detector(page, assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth", picture)
    expect(box(page, "1: ")).to_be_visible()
    wait_until_quiet(page)
    return page


def box(page: Page, start: str) -> Locator:
    return page.locator(f'.box[aria-label^="{start}"]')


def click_box(page: Page, start: str) -> None:
    """Click the middle of a box with the mouse."""
    size = box(page, start).bounding_box()
    assert size
    page.mouse.click(size["x"] + size["width"] / 2, size["y"] + size["height"] / 2)
    expect(box(page, start)).to_have_attribute("aria-pressed", "true")


def wait_for_maps(page: Page) -> None:
    """Wait until all maps are final: they can be downloaded, and nothing can be cancelled."""
    expect(page.get_by_text("Download maps, picture and settings").first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    wait_until_quiet(page)


def test_from_a_click_on_a_box_to_all_boxes_of_its_class_and_a_run_that_is_cancelled(blood: Page) -> None:
    page = blood
    click_box(page, "2: ")
    wait_for_maps(page)
    expect(page.get_by_text("channels 2%,")).to_be_visible()
    expect(page.locator(".overlay .frame:visible")).to_have_count(1)

    person.slider(page, "ablationcam-channels").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("channels 1%,")).to_be_visible()
    wait_for_maps(page)
    assert "ablationcam.channels=1" in page.url

    page.get_by_role("button", name="Explain all boxes of this class").click()
    expect(page.locator('.box[aria-pressed="true"]')).to_have_count(8)
    expect(page.locator(".overlay .frame:visible")).to_have_count(8)
    wait_for_maps(page)

    click_box(page, "1: ")
    expect(page.locator(".overlay .frame:visible")).to_have_count(1)
    wait_for_maps(page)
    page.get_by_text("D-RISE", exact=True).click()
    expect(page.get_by_text("takes 8,000 detections, about")).to_be_visible()
    page.get_by_role("button", name="Run D-RISE").click()
    expect(page.get_by_text(re.compile(r"D-RISE: \d+%, about"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled.")).to_be_visible()
    expect(page.get_by_text("Ablation-CAM of a box of BloodImage_00007.jpg")).to_be_visible()
