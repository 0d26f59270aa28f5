"""Upload CLIP, type its labels, see which of them a picture resembles, and change them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import person
from tests.hub_models import clip_to_upload


def type_labels(page: Page, labels: str, prompt: str | None = None) -> None:
    page.get_by_role("textbox", name="Labels, one per line").fill(labels)
    if prompt is not None:
        page.get_by_role("textbox", name="Prompt").fill(prompt)
    page.get_by_role("button", name="Use these labels").click()


@pytest.mark.long
def test_typed_labels_are_what_clip_chooses_from(page: Page, app: str, tmp_path: Path) -> None:
    person.start(page, app)
    person.upload_model(page, clip_to_upload(tmp_path))
    expect(page.get_by_text("CLIPModel compares a picture with texts")).to_be_visible(timeout=60_000)
    type_labels(page, "cat\nsmall grey dog", "a photo of {} and {}")
    expect(page.get_by_text("A prompt needs {} exactly once")).to_be_visible()
    page.wait_for_timeout(1500)  # the page no longer looks for progress, which would wipe the sentence out
    expect(page.get_by_text("A prompt needs {} exactly once")).to_be_visible()
    type_labels(page, "cat", "a photo of a {}")
    expect(page.get_by_text("CLIPModel needs at least two labels")).to_be_visible(timeout=60_000)
    type_labels(page, "cat\nsmall grey dog", "a photo of a {}")
    person.wait_until_ready(page)
    person.add_sample_picture(page, "Cat")
    expect(page.get_by_text("small grey dog").first).to_be_visible()
    page.get_by_role("tab", name="Labels").click()
    type_labels(page, "owl\ndog\ncat")
    expect(page.get_by_text("owl").first).to_be_visible(timeout=60_000)
    person.go_to_explain(page)
