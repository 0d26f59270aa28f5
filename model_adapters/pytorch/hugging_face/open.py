"""Open a packed folder of a model hub: timm's, or a classifier, detector or segmentation network of transformers."""

from __future__ import annotations

from model_adapters.pytorch import hub
from model_adapters.pytorch.hugging_face.classifier import classifier
from model_adapters.pytorch.hugging_face.detector import detector
from model_adapters.pytorch.hugging_face.folder import Folder, opened_folder
from model_adapters.pytorch.hugging_face.matching import matching
from model_adapters.pytorch.hugging_face.segmenter import segmenter
from model_adapters.pytorch.hugging_face.tasks import Opener, opener_of
from model_adapters.pytorch.segmentation.network import TorchSegmenter
from xai_core.detector import Detector
from xai_core.errors import TryAsClassifier, TryAsDetector, TryAsSegmenter
from xai_core.network import Network
from xai_core.types import FileKind, ModelSource

OF_TIMM = "This folder holds a network of timm, which labels the whole picture (a classifier)."
CLASSIFIES = "This folder holds {name}, which labels the whole picture (a classifier)."
DETECTS = "This folder holds {name}, which finds objects (it is a detector)."
SEGMENTS = "This folder holds {name}, which labels every pixel (segmentation)."


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network:
    """Open the classifier in a packed folder; RefusedModel or UnsupportedModel if that fails."""
    folder = opened_folder(source.path, scratch)
    if source.architecture or hub.is_of_timm(folder.config):
        return hub.load(folder, source, kind)
    opener = opener_of(folder.config)
    if opener.task == "detect":
        raise TryAsDetector(DETECTS.format(name=opener.name))
    if opener.task == "segment":
        raise TryAsSegmenter(SEGMENTS.format(name=opener.name))
    return _classifier(folder, opener, source, kind)


def load_detector(source: ModelSource, kind: FileKind, scratch: str) -> Detector:
    """Open the detector in a packed folder; RefusedModel or UnsupportedModel if that fails."""
    folder = opened_folder(source.path, scratch)
    if hub.is_of_timm(folder.config):
        raise TryAsClassifier(OF_TIMM)
    opener = opener_of(folder.config)
    if opener.task == "segment":
        raise TryAsSegmenter(SEGMENTS.format(name=opener.name))
    if opener.task != "detect":
        raise TryAsClassifier(CLASSIFIES.format(name=opener.name))
    return detector(folder, opener, kind)


def load_segmenter(source: ModelSource, kind: FileKind, scratch: str) -> TorchSegmenter:
    """Open the segmentation network in a packed folder; RefusedModel or UnsupportedModel if that fails."""
    folder = opened_folder(source.path, scratch)
    if hub.is_of_timm(folder.config):
        raise TryAsClassifier(OF_TIMM)
    opener = opener_of(folder.config)
    if opener.task == "detect":
        raise TryAsDetector(DETECTS.format(name=opener.name))
    if opener.task != "segment":
        raise TryAsClassifier(CLASSIFIES.format(name=opener.name))
    return segmenter(folder, opener, source.reading, kind)


def _classifier(folder: Folder, opener: Opener, source: ModelSource, kind: FileKind) -> Network:
    if opener.task == "match":
        return matching(folder, opener, source.reading, kind)
    return classifier(folder, opener, kind)
