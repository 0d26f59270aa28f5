"""Open detectors from PyTorch files: torchvision weights, TorchScript, folders of hubs, and pickles if trusted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model_adapters.common.coco import coco_labels
from model_adapters.common.output_shapes import CLASSIFIER
from model_adapters.pytorch import files, script
from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.checkpoint.reading import Checkpoint
from model_adapters.pytorch.detection import known_detectors
from model_adapters.pytorch.detection.behind_prefixes import copies_note, detectors_in, prefixes_in, under
from model_adapters.pytorch.detection.detector import TorchDetector
from model_adapters.pytorch.detection.heads import Heads
from model_adapters.pytorch.detection.known_detectors import DenseSettings, SealedSettings
from model_adapters.pytorch.detection.region_heads import RegionHeads
from model_adapters.pytorch.detection.sealed_detector import SealedDetector, find_manner
from model_adapters.pytorch.detection.torchvision_detectors import Recognised, built, columns_in, shapes_of
from model_adapters.pytorch.detection.torchvision_heads import torchvision_heads
from model_adapters.pytorch.files import Tensors
from model_adapters.pytorch.finding.flat import flat_tensors
from model_adapters.pytorch.finding.names import Names
from model_adapters.pytorch.finding.search import find_networks
from model_adapters.pytorch.formats import Formats
from model_adapters.pytorch.hugging_face import open as hugging_face
from model_adapters.pytorch.network import frozen
from xai_core.detector import Detector
from xai_core.errors import TryAsClassifier, UnsupportedModel
from xai_core.types import Capability, Card, FileKind, InputSpec, ModelSource

EXPORTED = "Detectors are not opened from .pt2 files. Save a state dict, TorchScript or ONNX instead."
UNKNOWN = (
    "These weights match no known detector, and a state dict contains no network. "
    "Export the whole model: torch.jit.script(model.eval()).save('detector.pt') for TorchScript, or ONNX."
)
NO_ABLATION = "only Faster R-CNN and Mask R-CNN can switch off channels one by one. Choose a different method."
ASIDE_NOTES = {
    "Its masks are ignored; boxes are detected and explained.": "roi_heads.mask_",
    "Its keypoints are ignored; boxes are detected and explained.": "roi_heads.keypoint_",
}
SEALED = "a TorchScript detector gives boxes only. Use its state dict, or choose a method that needs boxes only."
HOW_MANY = (
    "This detector does not say how many classes it has. Set it in how its outputs are read, or use its state dict."
)
SEEING = Capability.DETECT | Capability.ACTIVATIONS | Capability.GRADIENT


def load(source: ModelSource, kind: FileKind, scratch: str) -> Detector:
    """Open a PyTorch file; RefusedModel or UnsupportedModel if it is unsafe, damaged or no detector."""
    return FORMATS.load(source, kind, scratch)


def _from_checkpoint(found: Checkpoint, source: ModelSource, kind: FileKind) -> Detector:
    detector = _from_weights(found.content, source, replace(kind, notes=(*kind.notes, *found.notes)))
    detector.card = found.named(detector.card, background=True)
    return detector


def _from_weights(content: Any, source: ModelSource, kind: FileKind) -> Detector:
    tensors = flat_tensors(content)
    if not tensors:
        raise UnsupportedModel(files.NO_WEIGHTS)
    if source.architecture:
        return _detector(_as_chosen(tensors, source.architecture), source, kind)
    if placed := detectors_in(tensors, source.digest):
        detector = _detector(placed[0].match, source, replace(kind, notes=(*kind.notes, *copies_note(placed))))
        detector.card = replace(detector.card, choices=tuple(other.choice for other in placed[1:]))
        return detector
    raise TryAsClassifier(CLASSIFIER if find_networks(Names(shapes_of(tensors))) else UNKNOWN)


def _from_script(source: ModelSource, kind: FileKind) -> Detector:
    import_torchvision_models()  # registers the operators that such files call
    return _sealed(script.opened(source.path), source, kind)


def _from_export(source: ModelSource, kind: FileKind) -> Detector:
    raise UnsupportedModel(EXPORTED)


def _as_chosen(tensors: Tensors, choice: str) -> Recognised:
    """Return the tensors of a detector as "torchvision/ssd300_vgg16", or "torchvision/ssd300_vgg16 in model_ema"."""
    name, _, place = choice.partition(" in ")
    known = known_detectors.named(name)
    if known is None:
        raise UnsupportedModel(
            f"The detector {name[:80]!r} is not known. Known detectors are {', '.join(known_detectors.names())}."
        )
    prefix = f"{place}." if place else next(iter(prefixes_in(tensors)), "")
    return Recognised(under(tensors, prefix), known, ())


def around(module: Any, source: ModelSource, kind: FileKind) -> Detector:
    """Return the detector for a module that came with its code; torchvision's own are opened up."""
    settings = known_detectors.read_over(SealedSettings(), source.reading, SealedSettings.title)
    try:
        heads = torchvision_heads(module, settings.background)
        return TorchDetector(heads, _card(heads, kind, None, ()))
    except (UnsupportedModel, AttributeError, TypeError):  # own code, or torchvision's with different parts
        return _sealed(frozen(module), source, kind)


def _sealed(module: Any, source: ModelSource, kind: FileKind) -> Detector:
    settings = known_detectors.read_over(SealedSettings(), source.reading, SealedSettings.title)
    manner = find_manner(module)
    known = columns_in(module.state_dict())
    classes = settings.classes or (known - int(settings.background) if known else 0)
    if classes < 1:
        raise UnsupportedModel(HOW_MANY)
    height, width = manner.size or (None, None)
    missing = dict.fromkeys(("ACTIVATIONS", "GRADIENT", "ABLATION"), SEALED)
    card = Card(
        framework="pytorch",
        format=kind.format,
        classes=classes,
        input=InputSpec(height, width, batch=1),
        capabilities=Capability.DETECT,
        missing=missing,
        labels=_labels(classes),
        notes=kind.notes,
        task="detect",
    )
    return SealedDetector(module, card, manner, settings.background)


def _detector(match: Recognised, source: ModelSource, kind: FileKind) -> Detector:
    settings = known_detectors.settings_for(match.known, source.reading, source.digest)
    background = settings.background if isinstance(settings, DenseSettings) else True
    heads = torchvision_heads(built(match.tensors, match.known, settings), background)
    return TorchDetector(heads, _card(heads, kind, match.known.name, _notes(match)))


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
        labels=_labels(classes),
        notes=(*kind.notes, *notes),
        task="detect",
    )


def _labels(classes: int) -> tuple[str, ...]:
    return coco_labels() if classes == len(coco_labels()) else ()


def _notes(match: Recognised) -> tuple[str, ...]:
    others = f"The same weights would also fit {', '.join(match.others)}. Choose it if the boxes look wrong."
    kept = tuple(note for note, parts in ASIDE_NOTES.items() if any(n.startswith(parts) for n in match.tensors))
    return (*((others,) if match.others else ()), *kept)


FORMATS: Formats[Detector] = Formats(
    _from_weights, _from_checkpoint, hugging_face.load_detector, _from_script, _from_export, around
)
