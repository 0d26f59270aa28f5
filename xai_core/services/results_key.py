"""The key under which an answer is kept: the digest of all that decides it."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from xai_core import __version__
from xai_core.jobs.question import Question
from xai_core.types import ModelSource

HERE = Path(__file__).resolve().parents[1]
CODE = (HERE, HERE.parent / "model_adapters")
PACKAGES = (
    *("numpy", "torch", "torchvision", "timm", "tensorflow", "tensorflow-cpu", "keras", "onnx", "onnxruntime"),
    *("onnxslim", "onnx2torch", "openvino", "captum", "grad-cam", "opencv-python-headless", "xplique", "zennit"),
    *("scipy", "scikit-image"),
)


def key_of(source: ModelSource, question: Question[Any]) -> str:
    """Return the SHA-256, in hexadecimal, of all that decides the answer: the code, the model, and what is asked.

    What is asked is what a worker would be sent. The model's name and owner are not part of it.
    """
    values, arrays = question.to_frame()
    return digest_of(source, {"question": question.name, "values": values, "arrays": list(map(_fingerprint, arrays))})


def digest_of(source: ModelSource, asked: dict[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of the code, the model, and JSON values that describe what is asked."""
    model = [source.digest, source.architecture, source.task, source.reading]
    decides = {"made_by": made_by(), "model": model, **asked}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _fingerprint(array: NDArray[Any]) -> list[Any]:
    return [array.dtype.str, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]


@cache
def made_by() -> dict[str, str]:
    """Return what computes the answers: the version and the digest of Vitrine's code, and the versions below it."""
    code = hashlib.sha256()
    for path in sorted(path for folder in CODE for path in folder.rglob("*.py")):
        code.update(path.read_bytes())
    found = {"vitrine": __version__, "code": code.hexdigest()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
