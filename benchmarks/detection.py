"""Faster R-CNN: explanations of boxes beside pytorch-grad-cam and beside whole passes, detections beside torchvision.

Run by `python -m benchmarks`; prints JSON. The ResNet-50 has random weights, with one class made likely so that there
are boxes; it takes as long as a trained one. The cells' detector is trained.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from pytorch_grad_cam import AblationCAM, EigenCAM
from pytorch_grad_cam.ablation_layer import AblationLayerFasterRCNN
from pytorch_grad_cam.utils.model_targets import FasterRCNNBoxScoreTarget
from pytorch_grad_cam.utils.reshape_transforms import fasterrcnn_reshape_transform

import model_adapters
from benchmarks.rounds import Contest, Row, Side, held
from benchmarks.subject import PRECISIONS
from model_adapters.common.probes import natural
from model_adapters.pytorch.detection import ablation as torch_ablation
from model_adapters.pytorch.detection.detector import TorchDetector
from xai_core.detection.method import DetectionMethod
from xai_core.detection.methods.ablationcam import AT_ONCE, AblationCamOfABox
from xai_core.detection.methods.eigencam import EigenCamOfADetector
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import FLOOR
from xai_core.detector import BoxTarget
from xai_core.families.masks import Masks, masked
from xai_core.pictures.resampling import resized
from xai_core.types import Floats, InputSpec, ModelSource

ASSETS = Path(__file__).resolve().parents[2] / "shared" / "assets"
LIKELY, RAISED = 3, 3.0  # a class of the ResNet-50, and what its logit gets
CHANNELS, MASKS, VALUE = 16, 8, -1000.0
LEVELS = {"0": 0, "1": 256, "2": 512, "3": 768, "pool": 1024}  # where pytorch-grad-cam counts a level from
PEER, WHOLE = "pytorch-grad-cam", "whole passes"


@dataclass(frozen=True)
class Subject:
    """A detector, as Vitrine opens it and as torchvision users build it, and one of its boxes in a picture."""

    name: str
    detector: TorchDetector
    module: torch.nn.Module
    image: Floats
    target: BoxTarget

    @property
    def planes(self) -> torch.Tensor:
        return torch.from_numpy(self.image).permute(2, 0, 1).contiguous()

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.detector.card.layers]

    def whole_pass(self) -> object:
        return _whole_pass(self.module, self.planes)

    def run(self, method: DetectionMethod, detector: TorchDetector | None = None) -> Floats:
        """Run a method on the picture, with nothing remembered from earlier runs."""
        detector = detector or self.detector
        detector._last = None
        (last,) = deque(method.explain(DetectionModel(detector), self.image, [self.target]), maxlen=1)
        return last.maps[0]

    @property
    def method(self) -> AblationCamOfABox:
        total = sum(layer.channels for layer in self.detector.card.layers)
        return AblationCamOfABox(
            channels=100 * CHANNELS / total, ablation_value="very low", where=AT_ONCE, positive_only=False
        )

    def channels(self) -> np.ndarray:
        """Return the channels that `method` ablates: levels and indices, (n, 2)."""
        recorder = Recorder(self.detector.heads, self.detector.card)
        self.run(self.method, recorder)
        return np.concatenate(recorder.ablated)


class Recorder(TorchDetector):
    """A detector that records which channels are ablated."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.ablated: list[np.ndarray] = []

    def without_channels(self, image, channels, *others):
        self.ablated.append(channels)
        return super().without_channels(image, channels, *others)


class WithWholeHeads(TorchDetector):
    """A detector that runs its whole heads for each channel, but not the backbone."""

    def without_channels(self, image, channels, value, targets, floor, places=None):
        with torch.no_grad():
            image_pass = self.pass_over(image)
            return [self._without(image_pass, off, floor) for off in self._off(image_pass, channels, value, places)]


class ChosenChannels(AblationLayerFasterRCNN):
    """Ablates the chosen channels; by ratio, pytorch-grad-cam would take twice as many, and different ones."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.chosen = [LEVELS[subject.names[level]] + int(number) for level, number in subject.channels()]

    def activations_to_be_ablated(self, activations, ratio_channels_to_ablate=1.0):
        self.indices = np.int32(self.chosen)
        return self.indices


def resnet50(folder: str) -> Subject:
    torch.manual_seed(0)
    module = torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None).eval()
    with torch.no_grad():
        module.roi_heads.box_predictor.cls_score.bias[LIKELY] += RAISED
    path = Path(folder) / "fasterrcnn.pth"
    torch.save(module.state_dict(), path)
    image = natural(InputSpec(480, 640), count=1)[0]
    return _subject("Faster R-CNN, ResNet-50", path, module, image)


def cells() -> Subject:
    path = ASSETS / "models" / "detection" / "fasterrcnn_mobilenet_v2_fpn_bccd.pth"
    picture = Image.open(ASSETS / "datasets" / "bccd" / "JPEGImages" / "BloodImage_00007.jpg")
    image = np.asarray(picture.convert("RGB"), np.float32) / 255
    return _subject("Faster R-CNN, MobileNetV2, blood cells", path, None, image)


def _subject(name: str, path: Path, module: torch.nn.Module | None, image: Floats) -> Subject:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source = ModelSource(str(path), path.name, digest, task="detect")
    detector = model_adapters.load(source, model_adapters.inspect(source), tempfile.mkdtemp())
    assert isinstance(detector, TorchDetector)
    (boxes,) = detector.detect(image[None], 0.05)
    sizes = np.prod(boxes.corners[:, 2:] - boxes.corners[:, :2], axis=1)
    middle = int(np.argsort(sizes)[len(boxes) // 2])
    return Subject(name, detector, module or detector.module, image, BoxTarget.of(boxes, middle))


def eigen_cam(subject: Subject) -> Contest:
    theirs = EigenCAM(subject.module, [subject.module.backbone], fasterrcnn_reshape_transform)
    return _beside_grad_cam(subject, "Eigen-CAM", EigenCamOfADetector(), theirs)


def ablation_cam(subject: Subject) -> Contest:
    layer = ChosenChannels(subject)
    theirs = AblationCAM(subject.module, [subject.module.backbone], fasterrcnn_reshape_transform, layer, batch_size=4)
    return _beside_grad_cam(subject, f"Ablation-CAM, {CHANNELS} channels", subject.method, theirs)


def _beside_grad_cam(subject: Subject, work: str, method: DetectionMethod, theirs: Callable[..., object]) -> Contest:
    box = np.array([subject.target.corners], np.float32)
    wanted = [FasterRCNNBoxScoreTarget([subject.target.label + 1], box)]
    ask = partial(theirs, input_tensor=subject.planes[None], targets=wanted)
    return Contest(
        work,
        subject.name,
        PEER,
        ask,
        {"float32": partial(subject.run, method)},
        {"float32": subject.whole_pass},
        {},
    )


def switched_off(subject: Subject) -> list[Contest]:
    """Return a contest for each shortcut: channels ablated with more and more of them, beside one whole pass."""
    channels, detector = subject.channels(), subject.detector
    whole = WithWholeHeads(detector.heads, detector.card)
    ask = (subject.image, channels, VALUE, [subject.target], FLOOR)
    image_pass = detector.pass_over(subject.image)
    with torch.no_grad():
        wanted = torch.tensor([subject.target.corners]) * (image_pass.size[0] / image_pass.image_size[0])
        channels_off = torch_ablation.ChannelsOff(detector.heads, image_pass, wanted, least_iou=0.0)

    def all_proposals() -> object:
        with torch.no_grad():
            outputs = channels_off.outputs(detector._off(image_pass, channels, VALUE, None))
            return [detector.detections(output, image_pass.size, image_pass.image_size, FLOOR) for output in outputs]

    for variant in (detector, whole):
        variant.without_channels(subject.image, channels[:1], VALUE, [subject.target], FLOOR)
    ways: dict[str, Side] = {
        "the backbone kept": partial(whole.without_channels, *ask),
        "the channel's own term alone": all_proposals,
        "proposals near the box alone": partial(detector.without_channels, *ask),
    }
    passes = {"float32": subject.whole_pass}
    return [
        Contest(
            f"{CHANNELS} channels off: {way}", subject.name, WHOLE, subject.whole_pass, {"float32": side}, passes, {}
        )
        for way, side in ways.items()
    ]


def d_rise(subject: Subject) -> Contest:
    """Return detections under masks in each precision beside torchvision's own, and the convolutions alone."""
    engines = subject.detector.engines(*subject.image.shape[:2])
    print(*engines, sep="\n", file=sys.stderr)
    grids = resized(Masks((32, 32), 16, 0.5, 0).draw(MASKS), subject.image.shape[:2])
    images = masked(subject.image, grids, 0)
    pictures = [torch.from_numpy(image).permute(2, 0, 1).contiguous() for image in images]
    variants = {precision: subject.detector.at(precision) for precision in PRECISIONS}
    return Contest(
        f"D-RISE, {MASKS} masks",
        subject.name,
        "torchvision",
        lambda: [_whole_pass(subject.module, picture) for picture in pictures],
        {precision: partial(variant.detect, images, FLOOR) for precision, variant in variants.items()},
        {precision: partial(_convolutions, variant, images) for precision, variant in variants.items()},
        {
            engine.precision: f"{engine.name}, {engine.top1_agreement:.0%} of boxes again"
            for engine in engines
            if engine.used
        },
    )


def _whole_pass(module: torch.nn.Module, picture: torch.Tensor) -> object:
    with torch.no_grad():
        return module([picture])


def _convolutions(detector: TorchDetector, images: Floats) -> None:
    for image in images:
        with torch.no_grad():
            detector.convolutions(detector.inputs(image[None]).tensors, detector.precision)


def in_passes(row: Row) -> Row:
    """Add how many of torchvision's passes both sides take."""
    if row.peer == WHOLE:  # timed once, as all are equal
        row = replace(row, theirs=CHANNELS * row.theirs, ratio=CHANNELS * row.ratio)
        return replace(row, note=f"{row.ours / row.floor / CHANNELS:.3f} passes a channel")
    return replace(row, note=f"{row.ours / row.floor:.2f} passes, theirs {row.theirs / row.floor:.2f}")


def with_agreement(row: Row, subject: Subject) -> Row:
    """Add how well our map agrees with that of whole passes."""
    whole = WithWholeHeads(subject.detector.heads, subject.detector.card)
    maps = [subject.run(subject.method, detector).ravel() for detector in (subject.detector, whole)]
    return replace(row, note=f"{row.note}; correlation {np.corrcoef(*maps)[0, 1]:.4f} with whole passes")


def rows_of(subject: Subject, rounds: int) -> list[Row]:
    contests = [eigen_cam(subject), ablation_cam(subject), *switched_off(subject)]
    eigen, ablation, *others = [in_passes(row) for contest in contests for row in held(contest, rounds)]
    return [eigen, with_agreement(ablation, subject), *others, *held(d_rise(subject), rounds)]


def main() -> None:
    rounds = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        subjects = [resnet50(folder), *([cells()] if ASSETS.exists() else [])]
        rows = [row for subject in subjects for row in rows_of(subject, rounds)]
    print(json.dumps([row.to_json() for row in rows]))


if __name__ == "__main__":
    main()
