"""The packages that decide what Vitrine answers, and which versions of them are installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from xai_core.trust.peers import PEERS

OWN = ("numpy", "pillow")
OF_FRAMEWORK = {
    "pytorch": ("torch", "torchvision", "timm", "transformers", "tokenizers"),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "keras", "tf-keras"),
    "openvino": ("openvino",),
    "onnx": ("onnx", "onnxruntime", "onnxslim", "onnx2torch", "onnx2pytorch", "torch"),
}
OTHERS = ("scipy", "scikit-image", "openvino", "opencv-python-headless")
ALL = tuple(dict.fromkeys((*OWN, *sum(OF_FRAMEWORK.values(), ()), *OTHERS, *(peer.package for peer in PEERS))))


def installed(packages: Iterable[str] = ALL) -> dict[str, str]:
    """Return the versions of the packages that are installed, without importing any of them."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
