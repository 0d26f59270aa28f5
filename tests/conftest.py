"""Fixtures that all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run each file in one process, and together with it the files that share a slow fixture (`xdist_group`)."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session", autouse=True)
def no_results_kept() -> Iterator[None]:
    """Keep tests, and the apps that they start, away from the folder of kept results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITRINE_CACHE_MB", "0")
        yield


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real models, pictures and data sets; a test that needs it is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "assets"
    if not folder.exists():
        if os.environ.get("CI"):
            pytest.fail("The folder of real models is missing; it lies beside the checkout in CI.")
        pytest.skip("The folder of real models does not lie beside this checkout.")
    return folder


@pytest.fixture(scope="session")
def bad_inputs(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of harmful and broken files for "torch", "onnx" or "keras", made when it is first asked for."""
    scripts = {"torch": ("make_bad_torch", "make_bad_torch2"), "onnx": ("make_bad_onnx",), "keras": ("make_bad_keras",)}

    @cache
    def made(framework: str) -> Path:
        folder = tmp_path_factory.mktemp(f"bad_{framework}")
        for script in scripts[framework]:
            command = [sys.executable, "-W", "ignore", str(assets.parent / f"bad_inputs/{script}.py"), str(folder)]
            subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        return folder / "onnx" if framework == "onnx" else folder

    return made
