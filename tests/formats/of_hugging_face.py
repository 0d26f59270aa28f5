"""Folders of Hugging Face with tiny networks of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.formats.asking import CAT, most_probable_class
from tests.formats.format import Format, Section, Write
from tests.formats.of_pytorch import MEAN, STD, weights
from tests.hub_models import clip_to_upload, mobilenet, network, packed
from tests.model_adapters.pytorch.hugging_face.test_matching import NAMES, folder

ASKED = "Type the labels that it chooses from."
LABELS = 'Type them on the Model page, with `--label`, or in `vitrine.load(…, labels=["cat", "dog"])`.'


def classifier(name: str) -> Write:
    """Return what writes the zip of a classifier."""
    return lambda place: Path(packed(network(name), place).path)


def real_classifier(folder: Path) -> Path:
    look = {"size": {"shortest_edge": 256}, "crop_size": 224, "image_mean": MEAN, "image_std": STD, "resample": 2}
    return Path(packed(mobilenet(weights()), folder, preprocessor_config__json=look).path)


def matcher(name: str) -> Write:
    """Return what writes the zip of a network that compares pictures with texts."""
    return lambda place: Path(folder(name, place).path)


def foreign(place: Path) -> Path:
    strange: dict[str, Any] = {"model_type": "secret", "auto_map": {"AutoModel": "code.Secret"}}
    return Path(packed(network("ViTForImageClassification"), place, config__json=strange).path)


HUGGING_FACE = Section(
    "Hugging Face",
    most_probable_class,
    (
        Format("Folder or zip of an image classifier: config.json and safetensors", real_classifier, answer=CAT),
        Format("The same for a vision transformer", classifier("ViTForImageClassification")),
        Format("CLIP", clip_to_upload, "asks", ASKED, LABELS, options={"labels": ["cat", "small grey dog"]}),
        Format("SigLIP", matcher("SiglipModel"), "asks", ASKED, LABELS, options={"labels": list(NAMES)}),
        Format("SigLIP 2", matcher("Siglip2Model"), "asks", ASKED, LABELS, options={"labels": list(NAMES)}),
        Format(
            "A model that brings its own code (`trust_remote_code`)",
            foreign,
            "refused",
            "It brings its own code, which is never run.",
            "Export the model as TorchScript or ONNX on the machine that has its code.",
        ),
    ),
)
