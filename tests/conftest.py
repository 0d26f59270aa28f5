"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real models, pictures and data sets; a test that needs it is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "assets"
    if not folder.exists():
        if os.environ.get("CI"):
            pytest.fail("The folder of real models is missing; it lies beside the checkout in CI.")
        pytest.skip("The folder of real models does not lie beside this checkout.")
    return folder
