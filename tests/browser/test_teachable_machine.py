"""The export of Teachable Machine for Keras: a zip of a Keras 2 file and its labels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import person
from tests.browser_session import ROOT

MAKER = ROOT / "tests/model_adapters/tensorflow/tf_keras_process.py"


@pytest.mark.long
def test_the_zip_opens_as_it_is_and_its_labels_name_the_answer(page: Page, app: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", str(MAKER), str(tmp_path)], check=True, capture_output=True)
    person.start(page, app)
    person.upload_model(page, tmp_path / "converted_keras.zip")
    person.wait_until_ready(page)
    person.add_sample_picture(page, "Cat")
    expect(page.get_by_text("something else").first).to_be_visible()
    expect(page.get_by_text("Keras, HDF5").first).to_be_attached()
