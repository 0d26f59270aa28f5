"""Open a network that labels every pixel, see its classes, choose a region, and see why."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser import person
from tests.segmenters import SIDE, ByColour, picture

pytestmark = pytest.mark.long


def test_a_class_is_explained_over_the_region_that_was_chosen(page: Page, app: str, tmp_path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        torch.jit.trace(ByColour().eval(), torch.rand(1, 3, SIDE, SIDE), check_trace=False).save(tmp_path / "model.pt")
    Image.fromarray(picture()).resize((480, 480), Image.Resampling.NEAREST).save(tmp_path / "box.png")
    person.start(page, app)
    person.upload_model(page, tmp_path / "model.pt")
    person.wait_until_ready(page)
    person.upload_picture(page, tmp_path / "box.png")
    expect(page.get_by_text("of the pixels, mean probability")).to_have_count(2)
    person.go_to_explain(page)
    person.choose(page, "method", "Grad-CAM")
    person.choose(page, "region", "Connected regions of your choice")
    expect(page.get_by_text("Choose a region on the left.")).to_be_visible()
    person.choose(page, "region", "The whole picture")
    person.wait_for_answer(page)
    expect(page.get_by_text("Grad-CAM of box.png")).to_be_visible()
