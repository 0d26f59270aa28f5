"""The torchvision detectors known by name, and what their weights alone do not say, without a framework.

Defaults are those of torchvision 0.29 (torchvision.models.detection), if it has the detector.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from xai_core.errors import ParamError
from xai_core.params import Declared, Range, params_of

Settings = TypeVar("Settings", bound=Declared)
Levels = tuple[tuple[float, ...], ...]
Body = Literal["resnet50", "mobilenet_v3_large", "mobilenet_v2", "vgg16"]
IMAGENET_MEAN, IMAGENET_STD = "0.485, 0.456, 0.406", "0.229, 0.224, 0.225"
FORM = "Separate numbers by commas and pyramid levels by semicolons"


@dataclass(frozen=True)
class DetectorSettings(Declared):
    """What a state dict does not hold of a detector of any kind.

    Lists of numbers are texts such as "32; 64, 96": commas between numbers, semicolons between levels.
    """

    id: ClassVar[str] = "detector"
    title: ClassVar[str] = "A detector"

    least_score: Annotated[float, Range(0, 1, 0.01), "Boxes with a lower score are not shown at first."] = 0.05
    overlap: Annotated[
        float, Range(0, 1, 0.05), "Of two boxes of a class that overlap more than this, only the better one is kept."
    ] = 0.5
    most_boxes: Annotated[int, Range(1, 2000), "Maximum number of boxes per picture."] = 100
    mean: Annotated[str, "What is subtracted from red, green and blue in 0..1."] = IMAGENET_MEAN
    std: Annotated[str, "What red, green and blue are then divided by."] = IMAGENET_STD

    def check(self) -> None:
        for param in ("mean", "std"):
            if tuple(map(len, numbers(getattr(self, param), param))) != (3,):
                raise ParamError(f"{param.capitalize()} must be three numbers; got {getattr(self, param)!r}.")
        if min(numbers(self.std, "std")[0]) <= 0:
            raise ParamError(f"Std must be three numbers above 0; got {self.std!r}.")


@dataclass(frozen=True)
class ScaledSettings(DetectorSettings):
    """What a state dict does not hold of a detector that scales pictures and has a feature pyramid."""

    smallest_side: Annotated[
        int, Range(32, 2048, unit="px"), "Pictures are resized so that the shorter side has this length."
    ] = 800
    largest_side: Annotated[
        int, Range(32, 4096, unit="px"), "Limit for the longer side; pictures are reduced further to stay below it."
    ] = 1333
    anchor_sizes: Annotated[
        str, "Sides of the anchor boxes in pixels, level by level: commas between sides, semicolons between levels."
    ] = "32; 64; 128; 256; 512"
    anchor_ratios: Annotated[str, "Ratios of height to width of the anchor boxes."] = "0.5, 1, 2"
    norm_epsilon: Annotated[
        float, Range(0, 0.1), "What the backbone's batch norms add to the variance; 0 in torchvision's first weights."
    ] = 1e-5

    def check(self) -> None:
        super().check()
        if self.largest_side < self.smallest_side:
            raise ParamError(f"Largest side must be {self.smallest_side} px or more; got {self.largest_side}.")
        if len(numbers(self.anchor_ratios, "anchor_ratios")) != 1:
            raise ParamError(f"Anchor ratios hold for all levels, without semicolons; got {self.anchor_ratios!r}.")
        if min(map(min, (*numbers(self.anchor_sizes, "anchor_sizes"), *numbers(self.anchor_ratios, "")))) <= 0:
            raise ParamError("Anchor sizes and ratios must be above 0.")


@dataclass(frozen=True)
class RegionSettings(ScaledSettings):
    """What a state dict does not hold of a Faster or Mask R-CNN."""

    proposals_before: Annotated[
        int, Range(1, 6000), "Maximum number of proposals per level before overlaps are removed."
    ] = 1000
    proposals: Annotated[int, Range(1, 6000), "Maximum number of proposals per picture."] = 1000
    proposal_overlap: Annotated[
        float, Range(0, 1, 0.05), "Of two proposals that overlap more than this, only the better one is kept."
    ] = 0.7
    proposal_least_score: Annotated[float, Range(0, 1, 0.01), "Proposals with a lower score are dropped."] = 0.0


@dataclass(frozen=True)
class DenseSettings(ScaledSettings):
    """What a state dict does not hold of a RetinaNet or FCOS."""

    candidates: Annotated[int, Range(1, 10000), "Maximum number of boxes per level before overlaps are removed."] = 1000
    background: Annotated[
        bool, "Whether the first class is the background, as torchvision counts; it then finds nothing."
    ] = True


@dataclass(frozen=True)
class SSDSettings(DetectorSettings):
    """What a state dict does not hold of an SSD; its picture size and boxes are those of its architecture."""

    candidates: Annotated[int, Range(1, 10000), "Maximum number of boxes per class before overlaps are removed."] = 400


@dataclass(frozen=True)
class SealedSettings(Declared):
    """What a detector that brings its own code does not say of itself."""

    id: ClassVar[str] = "sealed_detector"
    title: ClassVar[str] = "A TorchScript detector"

    classes: Annotated[
        int, Range(0, 10000), "The number of classes, without the background; 0 uses the number in the file."
    ] = 0
    background: Annotated[bool, "Whether label 0 is the background, so that classes are counted from 1."] = True


for _kind in (DetectorSettings, ScaledSettings, RegionSettings, DenseSettings, SSDSettings, SealedSettings):
    _kind.params = params_of(_kind)


@dataclass(frozen=True)
class KnownDetector:
    """An architecture: its name, its backbone and what its weights do not say.

    second: whether it is the second version, with norms in its heads. masks: whether the file holds heads for masks.
    coco: the first digits of the SHA-256 of torchvision's own weights, "" if there are none. coco_settings: the
    settings those weights were trained with, where they differ.
    """

    name: str
    body: Body
    settings: DetectorSettings
    second: bool = False
    masks: bool = False
    centred: bool = False
    coco: str = ""
    coco_settings: Mapping[str, Any] = field(default_factory=dict)

    def is_coco(self, digest: str) -> bool:
        """Whether a file with this SHA-256 holds torchvision's own weights."""
        return bool(self.coco) and digest.startswith(self.coco)


def names() -> tuple[str, ...]:
    """Return the detectors whose weights can be opened, such as "torchvision/fasterrcnn_resnet50_fpn"."""
    return tuple(_known())


def coco_names() -> tuple[str, ...]:
    """Return the detectors that torchvision has COCO weights for."""
    return tuple(name for name, known in _known().items() if known.coco)


def coco_fetch_command(name: str) -> list[str]:
    """Return the command that prints the path of torchvision's weights of a detector, and fetches them if needed.

    It runs in its own process, because it imports the framework. On failure it prints a sentence on stderr.
    """
    return [sys.executable, "-m", "model_adapters.pytorch.detection.coco_weights", name]


def named(name: str) -> KnownDetector | None:
    """Return the detector called `name`, None if there is none."""
    return _known().get(name)


def settings_for(known: KnownDetector, reading: str, digest: str = "") -> DetectorSettings:
    """Return the declared settings, overridden by the fields in `reading`, a JSON text.

    digest: of the file; it identifies torchvision's own weights. ParamError if `reading` is invalid.
    """
    usual = replace(known.settings, **known.coco_settings) if known.is_coco(digest) else known.settings
    return read_over(usual, reading, known.name)


def read_over(usual: Settings, reading: str, title: str) -> Settings:
    """Return the usual settings, overridden by the fields in `reading`, a JSON text; ParamError if it is invalid.

    title: the name of the settings' owner, for the message.
    """
    fields = _parsed(reading)
    if unknown := sorted(set(fields) - {param.name for param in usual.params}):
        names = ", ".join(param.name for param in usual.params)
        raise ParamError(f"{title} has no setting {unknown[0][:40]!r}; it has {names}.")
    return type(usual).from_json({**usual.values(), **fields})


def numbers(text: str, name: str) -> Levels:
    """Return the numbers of a text such as "32; 64, 96", level by level; ParamError if it is invalid."""
    try:
        return tuple(tuple(float(number) for number in level.split(",")) for level in text.split(";"))
    except ValueError:
        shown = name.capitalize().replace("_", " ")
        raise ParamError(f"{shown} must be numbers. {FORM}; got {text[:60]!r}.") from None


def _parsed(reading: str) -> dict[str, Any]:
    if not reading:
        return {}
    try:
        fields = json.loads(reading)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ParamError('Settings of a detector must be JSON such as {"smallest_side": 640}; this is not.')
    return fields


@cache
def _known() -> dict[str, KnownDetector]:
    first: dict[str, Any] = {"norm_epsilon": 0.0}
    mobile: dict[str, Any] = {"anchor_sizes": "32, 64, 128, 256, 512", "proposal_least_score": 0.05}
    low = RegionSettings(**mobile, smallest_side=320, largest_side=640, proposals_before=150, proposals=150)
    small = RegionSettings(
        smallest_side=256,
        largest_side=341,
        anchor_sizes="16, 32, 64, 128, 256",
        proposals_before=300,
        proposals=150,
    )
    retina = DenseSettings(
        most_boxes=300, anchor_sizes="32, 40, 50; 64, 80, 101; 128, 161, 203; 256, 322, 406; 512, 645, 812"
    )
    fcos = DenseSettings(least_score=0.2, overlap=0.6, anchor_sizes="8; 16; 32; 64; 128", anchor_ratios="1")
    bytes_ = ", ".join([str(1 / 255)] * 3)
    ssd = SSDSettings(least_score=0.01, overlap=0.45, most_boxes=200, mean="0.48235, 0.45882, 0.40784", std=bytes_)
    lite = SSDSettings(
        least_score=0.001, overlap=0.55, most_boxes=300, candidates=300, mean="0.5, 0.5, 0.5", std="0.5, 0.5, 0.5"
    )
    plain = RegionSettings()
    listed = (
        KnownDetector("fasterrcnn_resnet50_fpn", "resnet50", plain, coco="258fb6c6", coco_settings=first),
        KnownDetector("fasterrcnn_resnet50_fpn_v2", "resnet50", plain, second=True, coco="dd69338a"),
        KnownDetector(
            "fasterrcnn_mobilenet_v3_large_fpn", "mobilenet_v3_large", RegionSettings(**mobile), coco="fb6a3cc7"
        ),
        KnownDetector("fasterrcnn_mobilenet_v3_large_320_fpn", "mobilenet_v3_large", low, coco="907ea3f9"),
        KnownDetector("fasterrcnn_mobilenet_v2_fpn", "mobilenet_v2", small),
        KnownDetector("maskrcnn_resnet50_fpn", "resnet50", plain, masks=True, coco="bf2d0c1e", coco_settings=first),
        KnownDetector("maskrcnn_resnet50_fpn_v2", "resnet50", plain, second=True, masks=True, coco="73cbd019"),
        KnownDetector("retinanet_resnet50_fpn", "resnet50", retina, coco="eeacb38b", coco_settings=first),
        KnownDetector("retinanet_resnet50_fpn_v2", "resnet50", retina, second=True, coco="5905b1c5"),
        KnownDetector("fcos_resnet50_fpn", "resnet50", fcos, centred=True, coco="99b0c9b7"),
        KnownDetector("ssd300_vgg16", "vgg16", ssd, coco="b556d3b4"),
        KnownDetector("ssdlite320_mobilenet_v3_large", "mobilenet_v3_large", lite, coco="a79551df"),
    )
    return {f"torchvision/{known.name}": replace(known, name=f"torchvision/{known.name}") for known in listed}
