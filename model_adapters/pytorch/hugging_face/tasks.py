"""Which of transformers' classes opens a folder, and for which task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from model_adapters.pytorch.hugging_face.library import library
from xai_core.errors import UnsupportedModel

HubTask = Literal["classify", "match", "detect", "segment"]

MAPPINGS: dict[HubTask, tuple[str, ...]] = {
    "classify": ("MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",),
    "match": ("MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES",),
    "detect": ("MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES",),
    "segment": (
        "MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES",
        "MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES",
        "MODEL_FOR_INSTANCE_SEGMENTATION_MAPPING_NAMES",
        "MODEL_FOR_IMAGE_SEGMENTATION_MAPPING_NAMES",
    ),
}
SIGLIP = "siglip"
SIGLIP_2 = "siglip2"  # with patches of any number; its networks of one size call themselves SigLIP
MATCHED = ("clip", SIGLIP, SIGLIP_2, "metaclip_2")
NOT_OF_PICTURES = ("imagegpt", "shieldgemma2", "videomt")
NO_TYPE = (
    "config.json names no model type of transformers (model_type) and no architecture of timm (architecture). Open the "
    "weights alone, or export the model as TorchScript or ONNX."
)


@dataclass(frozen=True)
class Opener:
    """A class of transformers by name, such as ViTForImageClassification, and the task it is for."""

    name: str
    task: HubTask
    model_type: str

    @property
    def class_itself(self) -> Any:
        """The class of transformers."""
        return getattr(library(), self.name)


def opener_of(config: Mapping[str, Any]) -> Opener:
    """Return what opens a folder with this config.json; UnsupportedModel, with a way out, if nothing here does."""
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        raise UnsupportedModel(NO_TYPE)
    if model_type not in library("models.auto.configuration_auto").CONFIG_MAPPING_NAMES:
        own = " It brings its own code, which is never run." if "auto_map" in config else ""
        raise UnsupportedModel(
            f"transformers has no model type {model_type[:60]!r}.{own} Export the model as TorchScript or ONNX."
        )
    listed = config.get("architectures")
    named = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    found = next((o for o in _openers() if o.name in named and o.model_type == model_type), None)
    found = found or next((o for o in _openers() if o.model_type == model_type and not named), None)
    if found is None or _is_out_of_reach(found):
        raise UnsupportedModel(_unfit(named[0] if named else model_type))
    return found


def _is_out_of_reach(opener: Opener) -> bool:
    """Whether a class matches pictures with texts in its own way, or takes something else than pictures."""
    return opener.model_type in NOT_OF_PICTURES or (opener.task == "match" and opener.model_type not in MATCHED)


def _unfit(name: str) -> str:
    return (
        f"The folder holds {name[:80]}, which does not open here. Expected an image classifier, an object detector, "
        "a segmentation network, CLIP or SigLIP. Save a model with a head, such as ViTForImageClassification, or "
        "export it as ONNX."
    )


@cache
def _openers() -> tuple[Opener, ...]:
    return tuple(_listed())


def _listed() -> Iterator[Opener]:
    names = library("models.auto.modeling_auto")
    for task, mappings in MAPPINGS.items():
        for mapping in mappings:
            for model_type, classes in dict(getattr(names, mapping)).items():
                for name in (classes,) if isinstance(classes, str) else classes:
                    yield Opener(name, task, model_type)
