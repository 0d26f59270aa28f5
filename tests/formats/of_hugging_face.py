"""Folders of Hugging Face with tiny networks of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.formats.asking import most_probable_class
from tests.formats.format import Format, Section, Write
from tests.hub_models import network, packed
from tests.model_adapters.pytorch.hugging_face.test_matching import NAMES, folder

LABELS = "Type the labels, one a line."


def classifier(name: str) -> Write:
    """Return what writes the zip of a classifier."""
    return lambda place: Path(packed(network(name), place).path)


def matcher(name: str) -> Write:
    """Return what writes the zip of a CLIP or SigLIP with its tokenizer."""
    return lambda place: Path(folder(name, place).path)


def foreign(place: Path) -> Path:
    strange: dict[str, Any] = {"model_type": "secret", "auto_map": {"AutoModel": "code.Secret"}}
    return Path(packed(network("ViTForImageClassification"), place, config__json=strange).path)


HUGGING_FACE = Section(
    "Hugging Face",
    most_probable_class,
    (
        Format("Image classifier: config.json and safetensors, zip or folder", classifier("ViTForImageClassification")),
        Format("The same of a convolutional network", classifier("ResNetForImageClassification")),
        Format("CLIP", matcher("CLIPModel"), "asks", "labels", LABELS, options={"labels": list(NAMES)}),
        Format("SigLIP", matcher("SiglipModel"), "asks", "labels", LABELS, options={"labels": list(NAMES)}),
        Format(
            "A model that brings its own code (`trust_remote_code`)",
            foreign,
            "refused",
            "secret",
            "Export the model as TorchScript or ONNX where its code is.",
        ),
    ),
)
