"""Small trained networks that tests open as files, in .cache/test_models: made from what installed packages hold.

cnn.pth, cnn.pt, cnn.onnx, cnn.keras and cnn.h5 are one CNN for coloured digits; vit.pth is a vision transformer for
grey ones. They are made once, in seconds, and again when this package or a framework changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "test_models"
PACKAGES = ("torch", "torchvision", "keras", "onnx", "scikit-learn")


def folder() -> Path:
    """Return the folder of the files; where another process is making them at this moment, wait for it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    place = CACHE / _key()
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _make(place)
    return place


def _key() -> str:
    """Return a digest of all that the files depend on."""
    digest = hashlib.sha256(repr([(name, version(name)) for name in PACKAGES]).encode())
    for source in sorted(HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _make(place: Path) -> None:
    """Make the files in a process of their own, so that the caller need not import a framework."""
    for older in CACHE.glob("*/"):
        shutil.rmtree(older)
    work = CACHE / "unfinished"
    work.mkdir()
    command = [sys.executable, "-B", "-W", "ignore", "-m", "tests.small_models.build", str(work)]
    made = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(f"The small models could not be made: {made.stderr.strip()}")
    work.rename(place)
