"""The wheel alone, in a new environment, is the whole of Vitrine; taken out, it leaves nothing behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
UV = [sys.executable, "-m", "uv"]
STARTS_WITHIN = 120  # seconds, on a busy machine
pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


class Environment:
    """A virtual environment with nothing but pip, the wheel and its dependencies, and a home folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "venv", folder / "home"
        self.home.mkdir()
        self.variables = {"HOME": str(self.home), "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        self.variables |= {
            name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))
        }

    def run(self, *words: object) -> str:
        """Run a command outside the checkout and return what it printed."""
        command = [str(self.folder / "bin" / str(words[0])), *map(str, words[1:])]
        done = subprocess.run(command, env=self.variables, cwd=self.home, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def site_packages(self) -> set[str]:
        """Return the names of all files that are installed, compiled ones aside."""
        (root,) = self.folder.glob("lib/python*/site-packages")
        return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the source distribution, so that this one is whole too."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([*UV, "build", "--quiet", "--no-build-isolation", "--out-dir", str(out), str(ROOT)], check=True)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment into which only the wheel was asked for; the lock holds its dependencies to what is tested."""
    made = Environment(tmp_path_factory.mktemp("installed"))
    python = ["--python", str(made.folder / "bin/python")]
    subprocess.run([*UV, "venv", "--quiet", "--seed", "--python", sys.executable, str(made.folder)], check=True)
    locked = ["--constraint", str(ROOT / "requirements.txt")]
    subprocess.run([*UV, "pip", "install", "--quiet", *python, *locked, str(wheel)], check=True)
    return made


def test_a_sample_picture_is_explained_by_the_command(environment: Environment) -> None:
    (root,) = environment.folder.glob("lib/python*/site-packages")
    detector = root / "vitrine/app/samples/digits/digits_detector.safetensors"
    scene = detector.with_name("scene_1.png")
    environment.run("vitrine", "explain", "eigencam", detector, scene, "--out", "answer")
    manifest = json.loads((environment.home / "answer/manifest.json").read_text("utf-8"))
    assert np.ptp(np.load(environment.home / "answer/attribution.npy")) > 0
    assert manifest["versions"]["vitrine"] == json.loads(environment.run("python", "-c", VERSION))


def test_samples_are_made_on_first_use_outside_the_package(environment: Environment) -> None:
    before = environment.site_packages()
    shown = environment.run("python", "-W", "error::DeprecationWarning:vitrine", "-c", EXPLAIN)
    assert json.loads(shown.strip().splitlines()[-1]) == ["Egyptian cat", [224, 224]]
    assert (environment.home / ".cache/vitrine/samples/models/mobilenet_v2.onnx").is_file()
    assert environment.site_packages() == before


def test_it_is_run_as_a_module_too(environment: Environment) -> None:
    assert environment.run("python", "-m", "vitrine", "--version").startswith("vitrine ")
    assert "grad_cam" in environment.run("vitrine", "methods")


def test_the_app_opens_with_its_own_settings(environment: Environment) -> None:
    port, log = _free_port(), environment.home / "app.log"
    command = [str(environment.folder / "bin/vitrine"), "app", "--port", str(port), "--headless", "--no-samples"]
    with log.open("w") as output:
        app = subprocess.Popen(command, env=environment.variables, cwd=environment.home, stdout=output)
    try:
        assert _answer(port, "_stcore/health") == "ok"
    finally:
        app.terminate()
        app.wait(30)
    assert f"localhost:{port}" in log.read_text("utf-8")
    assert "usage statistics" not in log.read_text("utf-8")  # its own config.toml switches them off


def test_the_first_page_runs(environment: Environment) -> None:
    assert environment.run("python", "-W", "ignore", "-c", FIRST_PAGE).splitlines()[-1] == "Why did it say that?"


def test_no_module_of_a_general_name_is_installed(environment: Environment) -> None:
    names = environment.run("python", "-c", TOP_LEVEL).split()
    assert names == ["model_adapters", "vitrine", "vitrine_logger", "xai_core"]


def test_taken_out_it_leaves_nothing(environment: Environment) -> None:
    subprocess.run(
        [*UV, "pip", "uninstall", "--quiet", "--python", str(environment.folder / "bin/python"), "vitrine"], check=True
    )
    assert not [name for name in environment.site_packages() if name.startswith(("vitrine", "xai_core", "model_ad"))]


VERSION = "import json, vitrine; print(json.dumps(vitrine.__version__))"
TOP_LEVEL = (
    "from importlib.metadata import files\n"
    "print(*sorted({f.parts[0] for f in files('vitrine') if '.' not in f.parts[0]}))"
)
FIRST_PAGE = """
from streamlit.testing.v1 import AppTest
from vitrine.folders import ROOT
app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
assert not app.exception, app.exception
print(app.title[0].value)
"""
EXPLAIN = """
import json, vitrine
with vitrine.load(vitrine.sample("mobilenet_v2.onnx")) as model:
    explanation = model.explain("grad_cam", vitrine.sample("cat.png"), target="Egyptian cat")
    explanation.save("explained")
print(json.dumps([explanation.targets[0].partition(" (")[0], list(explanation.map.shape)]))
"""


def _free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _answer(port: int, path: str) -> str:
    over = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > over:
                raise
            time.sleep(0.5)
