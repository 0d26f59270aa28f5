"""PyTorch files of detectors: weights of torchvision's, TorchScript, and pickles where they are trusted."""

from __future__ import annotations

from typing import Any

from model_adapters import architectures, detectors, torch_files
from model_adapters.detectors import DenseSettings
from model_adapters.torch_detector import TorchDetector
from model_adapters.torch_files import Tensors
from model_adapters.torch_heads import Heads
from model_adapters.torch_heads_of import heads_of
from model_adapters.torch_region_heads import RegionHeads
from model_adapters.torchvision_detectors import Recognised, built, recognised, shapes_of
from xai_core.detector import Detector
from xai_core.errors import UnsupportedModel
from xai_core.types import Capability, Card, FileKind, InputSpec, ModelSource

CLASSIFIER = "This model names the whole picture (a classifier). Open it on the Explain page."
EXPORTED = "Detectors are not opened from .pt2 files. Save a state_dict, TorchScript or ONNX instead."
UNKNOWN = (
    "These weights are of no detector that is known by its weights, and a state_dict holds no network of its own. "
    "Export the whole model: torch.jit.script(model.eval()).save('detector.pt') for TorchScript, or ONNX."
)
NO_ABLATION = "Channels can be switched off one by one in Faster R-CNN and Mask R-CNN only. Choose another method."
ASIDE_NOTES = {
    "Its masks are left aside; boxes are found and explained.": "roi_heads.mask_",
    "Its keypoints are left aside; boxes are found and explained.": "roi_heads.keypoint_",
}
SEEING = Capability.DETECT | Capability.ACTIVATIONS | Capability.GRADIENT


def load(source: ModelSource, kind: FileKind, scratch: str) -> Detector:
    """Open a PyTorch file; RefusedModel or UnsupportedModel where it is unsafe, damaged or no detector."""
    if kind.format == "safetensors":
        return _from_weights(torch_files.read_safetensors(source.path), source, kind)
    if kind.format == "torch-weights":
        return _from_weights(torch_files.read(source.path), source, kind)
    if kind.format == "torch-export":
        raise UnsupportedModel(EXPORTED)
    raise UnsupportedModel(UNKNOWN)


def _from_weights(content: Any, source: ModelSource, kind: FileKind) -> Detector:
    tensors = torch_files.state_dict(content)
    if source.architecture:
        return _as_chosen(tensors, source, kind)
    for bare in torch_files.without_prefixes(tensors):
        if found := recognised(bare, source.digest):
            return _detector(found, source, kind)
    raise UnsupportedModel(CLASSIFIER if _is_classifier(tensors) else UNKNOWN)


def _as_chosen(tensors: Tensors, source: ModelSource, kind: FileKind) -> Detector:
    known = detectors.named(source.architecture or "")
    if known is None:
        raise UnsupportedModel(
            f"There is no detector called {str(source.architecture)[:80]!r}; choose one of the list."
        )
    *_, bare = torch_files.without_prefixes(tensors)
    return _detector(Recognised(bare, known, ()), source, kind)


def _detector(found: Recognised, source: ModelSource, kind: FileKind) -> Detector:
    settings = detectors.settings_for(found.known, source.reading, source.digest)
    background = settings.background if isinstance(settings, DenseSettings) else True
    heads = heads_of(built(found.tensors, found.known, settings), background)
    return TorchDetector(heads, _card(heads, kind, found.known.name, _notes(found)))


def _card(heads: Heads, kind: FileKind, architecture: str | None, notes: tuple[str, ...]) -> Card:
    ablates = Capability.ABLATION if isinstance(heads, RegionHeads) else Capability(0)
    classes = heads.columns - int(heads.background)
    return Card(
        framework="pytorch",
        format=kind.format,
        classes=classes,
        input=InputSpec(None, None),
        capabilities=SEEING | ablates,
        architecture=architecture,
        missing={} if ablates else {Capability.ABLATION.name or "": NO_ABLATION},
        labels=detectors.coco_labels() if classes == detectors.COCO_CLASSES - 1 else (),
        notes=(*kind.notes, *notes),
    )


def _notes(found: Recognised) -> tuple[str, ...]:
    others = f"The same weights would also fit {', '.join(found.others)}. Choose it if the boxes look wrong."
    kept = tuple(note for note, parts in ASIDE_NOTES.items() if any(n.startswith(parts) for n in found.tensors))
    return (*((others,) if found.others else ()), *kept)


def _is_classifier(tensors: Tensors) -> bool:
    return any(architectures.find(shapes_of(bare)) for bare in torch_files.without_prefixes(tensors))
