"""A model for four channels: its picture is uploaded, and the fourth channel is explained alone."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect
from torch import nn

from tests.browser import person


def four_channels(folder: Path) -> Path:
    """Save a TorchScript network for pictures with four channels, and return its path."""
    torch.manual_seed(0)
    layers = nn.Conv2d(4, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    path = folder / "four.pt"
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated, and widely used
        torch.jit.trace(nn.Sequential(*layers).eval(), torch.rand(1, 4, 32, 32)).save(str(path))
    return path


@pytest.mark.long
def test_one_of_four_channels_is_explained_alone(page: Page, app: str, tmp_path: Path) -> None:
    np.save(tmp_path / "four.npy", np.random.default_rng(0).integers(0, 255, (48, 48, 4), np.uint8))
    person.start(page, app)
    page.get_by_role("tab", name="Upload", exact=True).click()
    person.upload_picture(page, tmp_path / "four.npy")
    expect(page.get_by_text("Bands of four.npy shown as colours")).to_be_visible()
    person.upload_model(page, four_channels(tmp_path))
    person.wait_until_ready(page)
    page.get_by_role("tab", name="Outputs").click()
    expect(page.get_by_text("so exactly one class is right")).to_be_visible()
    person.go_to_explain(page)
    person.choose(page, "channel", "Band 4")
    person.wait_for_answer(page)
    assert "channel=4" in page.url
