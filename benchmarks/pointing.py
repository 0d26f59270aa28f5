"""How often a map points at the box it explains: python -m benchmarks.pointing [--pictures 30] [--only drise].

On pictures of blood cells the surest white cell is explained; on generated scenes with two digits, both are. For ONNX
detectors it is the surest object in photographs (FastestDet) and the surest face (face-RFB-320).
A hit is a map whose largest value lies in the box (the pointing game of Zhang and others, Top-down Neural Attention by
Excitation Backprop, 2016, arXiv 1608.00507). For two digits, it is also measured which box holds more of the map.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

import numpy as np
from PIL import Image

import model_adapters
from benchmarks.__main__ import table
from samples.digits import mnist
from samples.digits.scenes import Scene, make_scene
from vitrine.samples import sample_detectors
from xai_core.detection import methods  # noqa: F401  (registers them)
from xai_core.detection.method import DETECTION_METHODS
from xai_core.detection.model import DetectionModel
from xai_core.detection.pictures import image_of, shrunk
from xai_core.detection.targets import inside, overlaps
from xai_core.detector import BoxTarget
from xai_core.types import Floats, ModelSource

ASSETS = Path(__file__).resolve().parents[2] / "shared" / "assets"
CELLS = ASSETS / "models" / "detection" / "fasterrcnn_mobilenet_v2_fpn_bccd.pth"
WHITE, LEAST_SCORE, LEAST_IOU = 1, 0.5, 0.5
SEED = 2024  # of scenes that no training or choice has seen
Scenes = tuple[Floats, list[BoxTarget]]  # an image and the boxes to explain
HEADS = ["method", "pictures", "boxes", "peak in its box", "more of the map in its box than in the other", "s a box"]


@dataclass
class Tally:
    """Counts for one method on one kind of picture."""

    peaks: list[bool] = field(default_factory=list)
    shares: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def line(self, name: str, pictures: str) -> list[str]:
        shares = f"{np.mean(self.shares):.2f}" if self.shares else ""
        return [name, pictures, str(len(self.peaks)), f"{np.mean(self.peaks):.2f}", shares, f"{self.a_box:.1f}"]

    @property
    def a_box(self) -> float:
        return sum(self.seconds) / len(self.peaks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=30)
    parser.add_argument("--only", nargs="*", default=list(DETECTION_METHODS), choices=list(DETECTION_METHODS))
    parser.add_argument("--samples", type=int, default=300, help="masks of D-RISE")
    parser.add_argument("--kinds", nargs="*", default=["white cells", "two digits"])
    chosen = parser.parse_args()
    lines = []
    for kind in chosen.kinds:
        model, scenes = SCENES[kind]()
        known = list(islice(scenes, chosen.pictures))
        for method_id in (each for each in chosen.only if DETECTION_METHODS[each].needs in model.card.capabilities):
            settings = {"samples": chosen.samples, "stop_at_noise": 0.0} if method_id == "drise" else {}
            lines.append(judged(method_id, settings, model, known).line(method_id, kind))
            print(lines[-1], flush=True)
    print(table(HEADS, lines))


def judged(method_id: str, settings: dict, model: DetectionModel, scenes: list[Scenes]) -> Tally:
    """Explain the boxes of all scenes by one method."""
    tally = Tally()
    for image, targets in scenes:
        began = time.monotonic()
        *_, last = DETECTION_METHODS[method_id](**settings).explain(model, image, targets)
        tally.seconds.append(time.monotonic() - began)
        places = [inside(target, image.shape[:2], last.maps.shape[1:]) for target in targets]
        for number, (heatmap, own) in enumerate(zip(last.maps, places, strict=True)):
            row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
            tally.peaks.append(own[0].start <= row < own[0].stop and own[1].start <= column < own[1].stop)
            tally.shares += [heatmap[own].sum() > heatmap[place].sum() for n, place in enumerate(places) if n != number]
    return tally


def white_cells() -> tuple[DetectionModel, Iterator[Scenes]]:
    model = opened(ModelSource(str(CELLS), CELLS.name, hashlib.sha256(CELLS.read_bytes()).hexdigest(), task="detect"))
    return model, cells_found(model)


def cells_found(model: DetectionModel) -> Iterator[Scenes]:
    for file in sorted((ASSETS / "datasets" / "bccd" / "JPEGImages").glob("*.jpg")):
        image = image_of(np.asarray(Image.open(file).convert("RGB")))
        (boxes,) = model.detect(image[None], LEAST_SCORE)
        if len(white := np.flatnonzero(boxes.labels == WHITE)):
            yield image, [BoxTarget.of(boxes, int(white[0]))]


def two_digits() -> tuple[DetectionModel, Iterator[Scenes]]:
    model = opened(sample_detectors()[0].source())
    glyphs = mnist.load(ASSETS / "datasets" / "mnist" / "mnist_train10k_test10k.npz").test
    scenes = (scene for index in count() if len((scene := make_scene(glyphs, SEED, index)).boxes) == 2)
    return model, filter(None, (both_found(model, scene) for scene in scenes))


def both_found(model: DetectionModel, scene: Scene) -> tuple[Floats, list[BoxTarget]] | None:
    """Return a scene and the detections of its two digits, if both were detected."""
    image = image_of(scene.pixels)
    (boxes,) = model.detect(image[None], LEAST_SCORE)
    if len(boxes) < 2:
        return None
    shares = overlaps(np.asarray(scene.boxes, np.float32), boxes.corners)
    first, second = (int(n) for n in shares.argmax(axis=1))
    if first == second or (shares.max(axis=1) < LEAST_IOU).any():
        return None
    return image, [BoxTarget.of(boxes, first), BoxTarget.of(boxes, second)]


def objects() -> tuple[DetectionModel, Iterator[Scenes]]:
    return in_photos("FastestDet.onnx", ["imagenet_samples", "other", "detection", "open_licence"])


def faces() -> tuple[DetectionModel, Iterator[Scenes]]:
    return in_photos("face-RFB-320.onnx", ["open_licence", "other", "detection", "../datasets/fairface/images"])


def in_photos(name: str, folders: list[str]) -> tuple[DetectionModel, Iterator[Scenes]]:
    path = ASSETS / "models" / "detection" / name
    model = opened(ModelSource(str(path), name, hashlib.sha256(path.read_bytes()).hexdigest(), task="detect"))
    files = [file for folder in folders for file in sorted((ASSETS / "images" / folder).iterdir())]
    return model, surest(model, [file for file in files if file.suffix in (".jpg", ".png")])


def surest(model: DetectionModel, files: list[Path]) -> Iterator[Scenes]:
    for file in files:
        image = image_of(shrunk(np.asarray(Image.open(file).convert("RGB"))))
        (boxes,) = model.detect(image[None], LEAST_SCORE)
        if len(boxes):
            yield image, [BoxTarget.of(boxes, 0)]


def opened(source: ModelSource) -> DetectionModel:
    return DetectionModel(model_adapters.load(source, model_adapters.inspect(source), tempfile.mkdtemp()))


SCENES = {"white cells": white_cells, "two digits": two_digits, "objects": objects, "faces": faces}

if __name__ == "__main__":
    main()
