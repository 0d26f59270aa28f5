"""Fixtures that all tests share.

Some tests need models, pictures and data sets that this repository does not contain. They look for them in
../shared/assets, or in the folder named by VITRINE_TEST_ASSETS. If the folder is missing, these tests are left out and
the summary counts them; with VITRINE_REQUIRE_ASSETS=1 they fail instead. Such a test asks for the fixture `assets`.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.small_models import folder as small_models_folder

ROOT = Path(__file__).resolve().parents[1]
ASSETS = Path(os.environ.get("VITRINE_TEST_ASSETS") or ROOT.parent / "shared" / "assets")
LEFT_OUT = pytest.StashKey[int]()
SHARING = {
    "tests/browser/": "the app",
    "tests/contract/": "the sample models",
    "tests/model_adapters/tensorflow/test_open.py": "answers of TensorFlow",
    "tests/model_adapters/tensorflow/test_inside.py": "answers of TensorFlow",
    "tests/model_adapters/tensorflow/test_applications.py": "answers of TensorFlow",
    "tests/model_adapters/test_three_frameworks.py": "answers of TensorFlow",
    "tests/model_adapters/openvino/test_open.py": "files of Keras 2",
    "tests/model_adapters/tensorflow/test_tf_keras.py": "files of Keras 2",
    "tests/model_adapters/pytorch/test_bad_files.py": "bad files",
    "tests/vitrine/cli/test_bad_files.py": "bad files",
    "tests/vitrine/cli/": "the workers of commands",
}  # files, or folders of files, that build something slow for a whole test process; the first that fits counts
LONGEST_ID = 20  # bytes
GIGABYTES_A_PROCESS = 6  # with TensorFlow imported, and the workers and the browser that it starts


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run a test process more than there are cores, as some wait for a worker or a page, as far as memory allows."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return max(1, min(len(os.sched_getaffinity(0)) + 1, int(memory / GIGABYTES_A_PROCESS)))


def pytest_configure() -> None:
    """Share the cores among the test processes before any framework starts a thread on each.

    What collection imports stays, so looking through it for garbage meanwhile would be in vain.
    """
    gc.disable()
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if processes > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, len(os.sched_getaffinity(0)) // processes)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Start each test, with its fixtures, from the same seed, so that random weights are the same in every run."""
    np.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


class FilesThatShare(LoadScopeScheduling):
    """Hand whole files to test processes, and files that share something slow to the same one, in the order found."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((shared for start, shared in SHARING.items() if file.startswith(start)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Schedule by what files share; xdist's own groups have no effect on pytest 9."""
    config.option.loadscopereorder = False
    return FilesThatShare(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need the folder of real models if it is missing."""
    if ASSETS.exists() or os.environ.get("VITRINE_REQUIRE_ASSETS") == "1":
        return
    kept = [item for item in items if "assets" not in getattr(item, "fixturenames", ())]
    config.stash[LEFT_OUT] = len(items) - len(kept)
    items[:] = kept


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name long bytes by their length: archives hold the time, and all test processes must find the same names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) and len(val) > LONGEST_ID else None


def pytest_collection_finish() -> None:
    """Exclude the tests and all that they import from garbage collection, which runs after every run of a page."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Report the count to the process that prints the summary, if tests run in several; let garbage be collected."""
    gc.unfreeze()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the count from a worker; every worker collects all tests."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how many tests were left out, in one line."""
    if left_out := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"{left_out} tests need ../shared/assets")


@pytest.fixture(scope="session", autouse=True)
def no_results_kept() -> Iterator[None]:
    """Keep tests, and the apps that they start, away from the folder of kept results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITRINE_CACHE_MB", "0")
        yield


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real models, pictures and data sets; tests that need it are left out if it is missing."""
    if not ASSETS.exists():
        pytest.fail("The folder of real models is missing; expected ../shared/assets or VITRINE_TEST_ASSETS.")
    return ASSETS


@pytest.fixture(scope="session")
def small_models() -> Path:
    """The folder of small trained networks, built by tests/small_models from installed packages alone."""
    return small_models_folder()


@pytest.fixture(scope="session")
def worked_case() -> Callable[[str], dict[str, Any]]:
    """Return an example worked out by hand or by another library: its input and the expected output."""
    cases = json.loads((ROOT / "tests/worked_cases.json").read_text("utf-8"))
    return lambda name: cases[name]


@pytest.fixture(scope="session")
def bad_torch_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of harmful and broken PyTorch files."""
    folder = tmp_path_factory.mktemp("bad_torch")
    write_bad_files(["-m", "tests.bad_files.torch_files", str(folder)])
    return folder


@pytest.fixture(scope="session")
def bad_inputs(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of harmful and broken files for "torch", "onnx" or "keras", written on first use."""
    scripts = {"torch": ("make_bad_torch", "make_bad_torch2"), "onnx": ("make_bad_onnx",), "keras": ("make_bad_keras",)}

    @cache
    def made(framework: str) -> Path:
        folder = tmp_path_factory.mktemp(f"bad_{framework}")
        for script in scripts[framework]:
            write_bad_files([str(assets.parent / f"bad_inputs/{script}.py"), str(folder)])
        return folder / "onnx" if framework == "onnx" else folder

    return made


def write_bad_files(words: list[str]) -> None:
    command = [sys.executable, "-W", "ignore", *words]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"})
