"""A torchvision detector behind the common interface, split into inputs, features and heads."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from model_adapters.common.probes import AT_ONCE, natural
from model_adapters.pytorch.detection import ablation
from model_adapters.pytorch.detection.box_gradients import gradients, nearest
from model_adapters.pytorch.detection.detector_engine import Convolutions, Convolved
from model_adapters.pytorch.detection.errors import errors_in_words
from model_adapters.pytorch.detection.heads import Boxes, Features, Heads, Outputs, named
from model_adapters.pytorch.detection.image_pass import ChannelOff, ImagePass, numbers_of, resized, scaled, sizes_of
from model_adapters.pytorch.detection.region_heads import RegionHeads
from model_adapters.pytorch.network import frozen
from model_adapters.pytorch.precisions import key_in, knows, passes_in
from xai_core.detector import Aspect, BoxTarget, Detections, Detector, Places
from xai_core.errors import ModelError
from xai_core.params import Size
from xai_core.types import Capability, Card, Engine, Floats, Indices, InputSpec, Layer, Precision

USUAL_SIZE = (480, 640)  # pixels of the picture whose pyramid the card describes
MANY = 8  # images of one size after which engines are tried
TRIALS = 2  # images that engines are tried on
LEAST_SCORE = 0.05  # of boxes that engines must find as well
TRIAL_SIZE = (128, 128)  # pixels; every level still has a place there


class TorchDetector(Detector):
    """A torchvision GeneralizedRCNN, RetinaNet, FCOS or SSD, frozen; it runs on a GPU if there is one.

    heads: the part after the backbone. Results for the last single image are cached, always in float32. Batches, and
    single images in bfloat16, run on the engine that `engines` finds best for the precision.
    """

    def __init__(self, heads: Heads, card: Card) -> None:
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.heads = heads
        self.module = frozen(heads.module).to(self.device)
        self.backbone: Callable[[Any], Any] = self.module.backbone
        self.convolutions = Convolutions(heads, self.device)
        self.precision: Precision = "float32"
        self.card = replace(card, layers=self._layers())
        self._last: ImagePass | None = None
        self._picture_counts: dict[Size, int] = {}

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        if len(images) == 1 and self.precision == "float32":
            with errors_in_words(images):
                image_pass = self.pass_over(images[0])
                return [self.detections(self.outputs(image_pass), image_pass.size, image_pass.image_size, floor)]
        self._count(images)
        step = self._at_once(images)
        batches = (images[start : start + step] for start in range(0, len(images), step))
        return [picture_boxes for batch in batches for picture_boxes in self._detect(batch, floor)]

    def pyramid(self, image: Floats, levels: Sequence[str]) -> list[Floats]:
        self._check(levels)
        with errors_in_words(image[None]):
            image_pass = self.pass_over(image)
            return [image_pass.cropped(image_pass.features[name]) for name in levels]

    def box_gradients(
        self, image: Floats, target: BoxTarget, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        self._check(levels)
        label = self.label_of(target)
        with errors_in_words(image[None]):
            image_pass = self.pass_over(image)
            row = self.row_of(image_pass, target)
            value, slopes = gradients(self.heads, image_pass, row, label, aspect, self._corners(target))
            return value, [image_pass.cropped(slopes[name]) for name in levels]

    def without_channels(
        self,
        image: Floats,
        channels: Indices,
        value: float,
        targets: Sequence[BoxTarget],
        floor: float,
        places: Places | None = None,
    ) -> list[Detections]:
        if Capability.ABLATION not in self.card.capabilities:
            raise self._lacks("ablation")
        with errors_in_words(image[None]), torch.no_grad():
            image_pass = self.pass_over(image)
            off = self._off(image_pass, channels, value, places)
            if not isinstance(self.heads, RegionHeads) or not ablation.applies_to(self.module):
                return [self._without(image_pass, channel, floor) for channel in off]
            corners = torch.cat([self._corners(target) for target in targets])
            wanted = resized(corners, image_pass.image_size, image_pass.size)
            near = ablation.near(self.heads, image_pass, wanted).outputs(off)
            return [self.detections(outputs, image_pass.size, image_pass.image_size, floor) for outputs in near]

    def at(self, precision: Precision) -> TorchDetector:
        if precision == self.precision:
            return self
        made = copy.copy(self)
        made.precision, made.key = precision, key_in(self.key, precision)
        return made

    def engines(self, height: int, width: int) -> tuple[Engine, ...]:
        """Return the engines that `detect` may run on, tried on the last image if it has this size."""
        trial = natural(InputSpec(height, width), count=TRIALS)
        if self._last is not None and self._last.image_size == (height, width):
            trial[0] = self._last.image
        return self._tried(trial)

    def inputs(self, images: Floats) -> Any:
        """Return the ImageList that goes into the backbone for images (N, H, W, 3) of one size."""
        planes = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
        return self.module.transform(list(planes.contiguous().to(self.device)))[0]

    def features(self, inputs: Any) -> Features:
        """Return the feature maps (N, K, h, w) of each level, by name."""
        return named(self.backbone(inputs.tensors))

    def pass_over(self, image: Floats) -> ImagePass:
        """Return the features of one image (H, W, 3), cached until the next image."""
        digest = _digest(image)
        if self._last is None or self._last.digest != digest:
            self._last = None  # frees its memory before more is allocated
            with torch.no_grad():
                inputs = self.inputs(image[None])
                self._last = ImagePass(digest, image, inputs, self.features(inputs))
        return self._last

    def outputs(self, image_pass: ImagePass) -> Outputs:
        """Return the heads' outputs for one image, cached with it."""
        if image_pass.outputs is None:
            with torch.no_grad():
                (image_pass.outputs,) = self.heads.outputs(image_pass.features, image_pass.inputs)
        return image_pass.outputs

    def row_of(self, image_pass: ImagePass, target: BoxTarget) -> int:
        """Return the index of the proposal or anchor whose box is nearest to the target."""
        wanted = resized(self._corners(target), image_pass.image_size, image_pass.size)
        with torch.no_grad():
            return nearest(
                self.heads, self.outputs(image_pass), image_pass.size, wanted, self.label_of(target), target.score
            )

    def label_of(self, target: BoxTarget) -> int:
        """Return the class of a target in the module's numbering; ModelError if there is no such class."""
        if not 0 <= target.label < self.card.classes:
            raise ModelError(f"This detector has {self.card.classes} classes; there is no class {target.label}.")
        return target.label + int(self.heads.background)

    def detections(self, outputs: Outputs, size: Size, image_size: Size, floor: float) -> Detections:
        """Return the detections in one image of `image_size`, which has `size` among the inputs."""
        with torch.no_grad():
            return self.as_detections(outputs, self.heads.detections(outputs, size, floor), size, image_size)

    def as_detections(self, outputs: Outputs, boxes: Boxes, size: Size, image_size: Size) -> Detections:
        """Return the heads' boxes as detections: in pixels of the image, with classes that leave out the background."""
        first = int(self.heads.background)
        boxes = boxes.chosen(boxes.labels >= first)
        rows = self.heads.scores(outputs.chosen(boxes.rows))[:, first:]
        corners = resized(boxes.corners, size, image_size)
        labels = (boxes.labels - first).cpu().numpy()
        return Detections.of(numbers_of(corners), labels, numbers_of(boxes.scores), numbers_of(rows))

    def _detect(self, images: Floats, floor: float) -> list[Detections]:
        with errors_in_words(images), torch.no_grad():
            inputs = self.inputs(images)
            maps = self.convolutions(inputs.tensors, self.precision)
            return self._found(maps, inputs, images.shape[1:3], floor)

    def _found(self, maps: Convolved, inputs: Any, image_size: Size, floor: float) -> list[Detections]:
        with passes_in(self.precision if knows(self.device, self.precision) else "float32", self.device):
            many = self.heads.outputs(maps.features, inputs, maps.everywhere)
        pairs = zip(many, sizes_of(inputs), strict=True)
        return [self.detections(outputs, size, image_size, floor) for outputs, size in pairs]

    def _count(self, images: Floats) -> None:
        """Try engines once there have been enough images of a size for a trial to pay off."""
        size = (images.shape[1], images.shape[2])
        self._picture_counts[size] = self._picture_counts.get(size, 0) + len(images)
        if self._picture_counts[size] > MANY:
            self._tried(images[:TRIALS])

    def _tried(self, images: Floats) -> tuple[Engine, ...]:
        with errors_in_words(images), torch.no_grad():
            inputs = [self.inputs(image[None]) for image in images]

            def find(maps: Convolved, number: int) -> Detections:
                return self._found(maps, inputs[number], images.shape[1:3], LEAST_SCORE)[0]

            return self.convolutions.tried([picture_inputs.tensors for picture_inputs in inputs], find)

    def _off(self, image_pass: ImagePass, channels: Indices, value: float, places: Places | None) -> list[ChannelOff]:
        names = [layer.name for layer in self.card.layers]
        where = {level: image_pass.padded(names[level], flags) for level, flags in (places or {}).items()}
        return [ChannelOff(names[level], int(channel), value, where.get(level)) for level, channel in channels]

    def _without(self, image_pass: ImagePass, off: ChannelOff, floor: float) -> Detections:
        changed = {**image_pass.features, off.level: image_pass.features[off.level].clone()}
        changed[off.level][:, off.channel] = off.changed(image_pass.features)[:, 0]
        (outputs,) = self.heads.outputs(changed, image_pass.inputs)
        return self.detections(outputs, image_pass.size, image_pass.image_size, floor)

    def _at_once(self, images: Floats) -> int:
        """Return how many images to process at a time."""
        if self.device.type != "cpu":
            return max(1, len(images))
        height, width = scaled(self.module.transform, images.shape[1:3])
        return max(1, AT_ONCE // max(1, height * width))

    def _check(self, levels: Sequence[str]) -> None:
        names = [layer.name for layer in self.card.layers]
        if unknown := [name for name in levels if name not in names]:
            raise ModelError(f"This detector has no level {unknown[0][:40]!r}; its levels are {', '.join(names)}.")

    def _corners(self, target: BoxTarget) -> Any:
        return torch.from_numpy(target.array).to(self.device)

    def _layers(self) -> tuple[Layer, ...]:
        """Return the levels of the pyramid for a picture of the usual size."""
        transform = self.module.transform
        size, trial = (
            scaled(transform, USUAL_SIZE),
            TRIAL_SIZE if transform.fixed_size is None else transform.fixed_size,
        )
        with torch.no_grad():
            maps = named(self.module.backbone(torch.zeros(1, 3, *trial, device=self.device)))
            self.heads.settle(maps, trial)
        return tuple(_layer(name, feature_map, size, trial) for name, feature_map in maps.items())


def _layer(name: str, feature_map: Any, size: Size, trial: Size) -> Layer:
    """Return a level for a picture of `size`, from its map for one of size `trial`."""
    _, channels, *grid = feature_map.shape
    height, width = (math.ceil(n * side / tried) for n, side, tried in zip(grid, size, trial, strict=True))
    return Layer(name, height, width, channels)


def _digest(image: Floats) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16, key=str(image.shape).encode()).digest()
