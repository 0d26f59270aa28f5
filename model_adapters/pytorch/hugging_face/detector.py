"""A detector of transformers behind the common interface: its boxes, as its own processor would read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from model_adapters.pytorch.detection.errors import errors_in_words
from model_adapters.pytorch.detection.image_pass import numbers_of
from model_adapters.pytorch.hugging_face.building import built
from model_adapters.pytorch.hugging_face.classifier import channels_of, labels_of
from model_adapters.pytorch.hugging_face.folder import Folder
from model_adapters.pytorch.hugging_face.looks import colours, processor_of, settings_in
from model_adapters.pytorch.hugging_face.tasks import Opener
from model_adapters.pytorch.network import frozen
from xai_core.detector import Detections, Detector
from xai_core.errors import UnsupportedModel
from xai_core.params import Size
from xai_core.types import Capability, Card, FileKind, Floats, InputSpec

MOST_BOXES = 100  # where a query may give several, as transformers' processors limit them
TRIAL = (128, 160)  # height and width in pixels
USUAL_SIZE = {"shortest_edge": 800, "longest_edge": 1333}
USUAL_MEAN, USUAL_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as transformers' detectors use
ASSUMED = (
    "The folder has no usable preprocessor_config.json; a shorter side of 800 pixels and the colours of ImageNet are "
    "assumed."
)
DEFAULTS = "The folder has no preprocessor_config.json; what transformers does by default for {name} is assumed."
NOT_BOXES = "{name} does not return boxes with one score per class (logits and pred_boxes). Export it as ONNX."
GRAY = "{name} takes pictures with {channels} channel(s); only detectors for colour pictures open, with 3 channels."


@dataclass(frozen=True)
class Entry:
    """How an image becomes the input of a detector.

    size: fixed height and width, or None. shorter, longer: otherwise the length of the shorter side in pixels and the
    most for the longer one. slopes, offsets: for each colour, in the order RGB, of values in 0..1.
    """

    size: Size | None
    shorter: int
    longer: int
    slopes: Any
    offsets: Any
    blue_first: bool = False

    def sized(self, height: int, width: int) -> Size:
        """Return the height and width that an image is resized to; its proportions are kept unless `size` is fixed."""
        if self.size:
            return self.size
        scale = min(self.shorter / min(height, width), self.longer / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def inputs(self, image: Any) -> Any:
        """Return the input (1, 3, h, w) for an image (1, 3, H, W) of values in 0..1."""
        size = self.sized(*image.shape[2:])
        resized = torch.nn.functional.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)
        ordered = resized.flip(1) if self.blue_first else resized
        return ordered * self.slopes[:, None, None] + self.offsets[:, None, None]


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says of an image: logits (n, columns), scores (n, K) in 0..1, and corners (n, 4) in pixels."""

    logits: Any
    scores: Any
    corners: Any


class HubDetector(Detector):
    """A network with `logits` and `pred_boxes`, frozen; it runs on a GPU if there is one.

    background: whether the last logit means that there is no object; scores are then a softmax, otherwise sigmoids.
    """

    def __init__(self, network: Any, card: Card, entry: Entry, background: bool) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.module = frozen(network).to(self.device)
        self.card, self.entry, self.background = card, entry, background

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        return [self._detected(image, floor) for image in images]

    def answers(self, image: Any) -> Answers:
        """Return what the network says of an image (1, 3, H, W)."""
        output = self.module(self.entry.inputs(image))
        logits = output["logits"][0]
        scores = logits.softmax(-1)[:, :-1] if self.background else logits.sigmoid()
        x, y, width, height = output["pred_boxes"][0].unbind(-1)
        sides = image.shape[3], image.shape[2], image.shape[3], image.shape[2]
        corners = torch.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], -1)
        return Answers(logits, scores, corners * torch.tensor(sides, device=corners.device))

    def planes(self, image: Floats) -> Any:
        """Return an image (H, W, 3) as (1, 3, H, W) on the network's device."""
        return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].to(self.device)

    def _detected(self, image: Floats, floor: float) -> Detections:
        with errors_in_words(image[None]), torch.inference_mode():
            said = self.answers(self.planes(image))
            scores, corners = said.scores, said.corners
            rows, labels = self._kept(scores, floor)
        places, values, every = (numbers_of(part) for part in (corners[rows], scores[rows, labels], scores[rows]))
        return Detections.of(places, labels.cpu().numpy(), values, every)

    def _kept(self, scores: Any, floor: float) -> tuple[Any, Any]:
        """Return the queries and classes of all boxes: each query's best class, or without a background every class."""
        if not self.background:
            rows, labels = (scores >= floor).nonzero(as_tuple=True)
            best = scores[rows, labels].argsort(descending=True)[: max(MOST_BOXES, len(scores))]
            return rows[best], labels[best]
        best, labels = scores.max(-1)
        rows = (best >= floor).nonzero()[:, 0]
        return rows, labels[rows]


def detector(folder: Folder, opener: Opener, kind: FileKind) -> HubDetector:
    """Open a folder with an object detector; UnsupportedModel if it is none, or if its weights do not fit."""
    network, notes = built(opener, folder.config, folder.content())
    if (channels := channels_of(network.config)) != 3:
        raise UnsupportedModel(GRAY.format(name=opener.name, channels=channels))
    entry, assumed = _entry(folder, opener)
    columns = _columns(network, entry, opener)
    classes = int(network.config.num_labels)
    if columns not in (classes, classes + 1):
        raise UnsupportedModel(NOT_BOXES.format(name=opener.name))
    card = Card(
        framework="pytorch",
        format=kind.format,
        classes=classes,
        input=InputSpec(*(entry.size or (None, None))),
        capabilities=Capability.DETECT,
        architecture=f"transformers/{opener.name}",
        labels=labels_of(network.config, classes),
        notes=(*kind.notes, *notes, *assumed),
    )
    return HubDetector(network, card, entry, columns == classes + 1)


def _entry(folder: Folder, opener: Opener) -> tuple[Entry, tuple[str, ...]]:
    """Return how an image is prepared, with a note if that had to be assumed."""
    _, values = settings_in(folder)
    try:
        processor = processor_of(values or {}, opener.model_type)
        order, slopes, offsets = colours(processor)
        size = {name: side for name, side in dict(processor.size).items() if side}
        notes: tuple[str, ...] = () if values else (DEFAULTS.format(name=opener.name),)
    except Exception:  # processors check their settings in many ways
        order, size, notes = "RGB", USUAL_SIZE, (ASSUMED,)
        slopes, offsets = 1 / np.array(USUAL_STD), -np.array(USUAL_MEAN) / np.array(USUAL_STD)
    fixed = (int(size["height"]), int(size["width"])) if {"height", "width"} <= size.keys() else None
    shorter = int(size.get("shortest_edge", USUAL_SIZE["shortest_edge"]))
    longer = int(size.get("longest_edge", 4096))
    slope, offset = (torch.tensor(np.ascontiguousarray(part), dtype=torch.float32) for part in (slopes, offsets))
    return Entry(fixed, shorter, longer, slope, offset, order == "BGR"), notes


def _columns(network: Any, entry: Entry, opener: Opener) -> int:
    """Return how many logits a box has, found on a trial picture."""
    picture = torch.zeros(1, 3, *(entry.size or TRIAL))
    with errors_in_words(picture.permute(0, 2, 3, 1).numpy()), torch.inference_mode():
        output = network(picture)
    logits, boxes = output.get("logits"), output.get("pred_boxes")
    if logits is None or boxes is None or boxes.shape[-1] != 4 or boxes.shape[:2] != logits.shape[:2]:
        raise UnsupportedModel(NOT_BOXES.format(name=opener.name))
    return int(logits.shape[-1])
