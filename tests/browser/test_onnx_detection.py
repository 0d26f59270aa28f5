"""An ONNX detector is recognised, and LayerCAM shows why it drew a box."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import person
from tests.browser.test_detection import box, click_box, wait_for_maps


@pytest.mark.long
def test_from_an_onnx_file_to_the_places_that_speak_for_a_box(page: Page, app: str, assets: Path) -> None:
    person.start(page, f"{app}/detection?methods=box_layercam")
    picture = assets / "images/other/cat_dog_both.png"
    person.upload_detector(page, assets / "models/detection/FastestDet.onnx", picture)
    expect(box(page, "1: dog")).to_be_visible()
    click_box(page, "1: dog")
    wait_for_maps(page)
    expect(page.get_by_text("LayerCAM of a box of cat_dog_both.png")).to_be_visible()
    expect(page.locator(".overlay .frame:visible")).to_have_count(1)
