"""Under which key an answer is kept: the digest of all that decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from xai_core import __version__
from xai_core.detection.method import DetectionMethod
from xai_core.detector import BoxTarget
from xai_core.method import Catalogued, Method
from xai_core.preprocessing import Preprocessing
from xai_core.types import Conditions, Floats, Indices, ModelSource

HERE = Path(__file__).resolve().parents[1]
CODE = (HERE, HERE.parent / "model_adapters")
PACKAGES = (
    *("numpy", "torch", "torchvision", "timm", "tensorflow", "tensorflow-cpu", "keras", "onnx", "onnxruntime"),
    *("onnxslim", "onnx2torch", "openvino", "captum", "grad-cam", "opencv-python-headless", "xplique", "zennit"),
    *("scipy", "scikit-image"),
)


def key_of(
    source: ModelSource,
    preprocessing: Preprocessing,
    method: Method,
    image: Floats,
    targets: Indices,
    conditions: Conditions,
) -> str:
    """Return the SHA-256 of all that decides an answer, in hexadecimal; neither names nor owners are part of it."""
    decides = _decides(source, method, image, conditions) | {
        "preprocessing": preprocessing.to_json(),
        "targets": [int(target) for target in targets],
    }
    return _digest(decides)


def key_of_boxes(
    source: ModelSource,
    method: DetectionMethod,
    image: Floats,
    targets: Sequence[BoxTarget],
    conditions: Conditions,
) -> str:
    """Return the SHA-256 of all that decides the explanation of boxes, in hexadecimal."""
    decides = _decides(source, method, image, conditions) | {"boxes": [asdict(target) for target in targets]}
    return _digest(decides)


def _decides(source: ModelSource, method: Catalogued, image: Floats, conditions: Conditions) -> dict[str, Any]:
    return {
        "made_by": made_by(),
        "model": [source.digest, source.architecture, source.task, source.reading],
        "image": [list(image.shape), hashlib.sha256(np.asarray(image, np.float32).tobytes()).hexdigest()],
        "method": [method.id, method.values()],
        "conditions": asdict(conditions),
    }


def _digest(decides: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


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
