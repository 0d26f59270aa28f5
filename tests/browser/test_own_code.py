"""Weights are uploaded with the code that defines their network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect

from tests.browser import person
from tests.browser_session import wait_until_quiet
from tests.own_code import CODE, checkpoint_of, net_of


@pytest.mark.long
def test_refused_weights_open_with_their_code(page: Page, app: str, tmp_path: Path) -> None:
    torch.save(checkpoint_of(net_of()(num_classes=5, width=12)), tmp_path / "weights.pt")
    (tmp_path / "model.py").write_text(CODE)
    person.start(page, app)
    person.upload_model(page, tmp_path / "weights.pt")
    expect(page.get_by_text("add the Python code that defines it (model.py)").first).to_be_visible()
    person.upload_code(page, tmp_path / "model.py")
    expect(page.get_by_text("The code has 3 classes and functions that build a network")).to_be_visible()
    expect(page.get_by_role("textbox", name="num_classes")).to_have_value("5")
    expect(page.get_by_role("textbox", name="width")).to_have_value("12")
    page.get_by_role("button", name="Run this code and open").click()
    person.wait_until_ready(page)
    expect(page.get_by_text("Net(num_classes=5, width=12)").first).to_be_visible()
    wait_until_quiet(page)
