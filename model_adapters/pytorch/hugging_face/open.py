"""Open a packed folder of a model hub: timm's, or a classifier, detector or segmentation network of transformers."""

from __future__ import annotations

from model_adapters.pytorch import hub
from model_adapters.pytorch.hugging_face import inside_detector
from model_adapters.pytorch.hugging_face.classifier import classifier
from model_adapters.pytorch.hugging_face.detector import detector
from model_adapters.pytorch.hugging_face.folder import Folder, opened_folder
from model_adapters.pytorch.hugging_face.matching import matching
from model_adapters.pytorch.hugging_face.segmenter import segmenter
from model_adapters.pytorch.hugging_face.tasks import HubTask, Opener, opener_of
from model_adapters.pytorch.segmentation.network import TorchSegmenter
from xai_core.detector import Detector
from xai_core.errors import TryAsClassifier, TryAsDetector, TryAsSegmenter, UnsupportedModel
from xai_core.network import Network
from xai_core.types import FileKind, ModelSource

OF_TIMM = "This folder holds a network of timm, which labels the whole picture (a classifier)."
CLASSIFIES = "This folder holds {name}, which labels the whole picture (a classifier)."
OTHER_TASKS: dict[HubTask, tuple[type[UnsupportedModel], str]] = {
    "detect": (TryAsDetector, "This folder holds {name}, which finds objects (it is a detector)."),
    "segment": (TryAsSegmenter, "This folder holds {name}, which labels every pixel (segmentation)."),
}


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network:
    """Open the classifier in a packed folder; RefusedModel or UnsupportedModel if that fails."""
    folder = opened_folder(source.path, scratch)
    if source.architecture or hub.is_of_timm(folder.config):
        return hub.load(folder, source, kind)
    opener = opener_of(folder.config)
    if opener.task in OTHER_TASKS:
        raise _of_its_task(opener)
    return _classifier(folder, opener, source, kind)


def load_detector(source: ModelSource, kind: FileKind, scratch: str) -> Detector:
    """Open the detector in a packed folder; RefusedModel or UnsupportedModel if that fails."""
    return inside_detector.opened(detector(*_opened_for("detect", source, scratch), kind))


def load_segmenter(source: ModelSource, kind: FileKind, scratch: str) -> TorchSegmenter:
    """Open the segmentation network in a packed folder; RefusedModel or UnsupportedModel if that fails."""
    folder, opener = _opened_for("segment", source, scratch)
    return segmenter(folder, opener, source.reading, kind)


def _opened_for(task: HubTask, source: ModelSource, scratch: str) -> tuple[Folder, Opener]:
    """Return a folder and what opens it; an error that names the network's own task if that is a different one."""
    folder = opened_folder(source.path, scratch)
    if hub.is_of_timm(folder.config):
        raise TryAsClassifier(OF_TIMM)
    opener = opener_of(folder.config)
    if opener.task != task:
        raise _of_its_task(opener)
    return folder, opener


def _of_its_task(opener: Opener) -> UnsupportedModel:
    error, sentence = OTHER_TASKS.get(opener.task, (TryAsClassifier, CLASSIFIES))
    return error(sentence.format(name=opener.name))


def _classifier(folder: Folder, opener: Opener, source: ModelSource, kind: FileKind) -> Network:
    if opener.task == "match":
        return matching(folder, opener, source.reading, kind)
    return classifier(folder, opener, kind)
