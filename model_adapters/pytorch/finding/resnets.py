"""ResNets of any width, depth and stem, with the names of torchvision, and those for CIFAR.

Shapes give the blocks, the widths and the kernel of the first layer. They do not give its stride, nor whether a max
pooling follows: a 7x7 kernel has both, as in torchvision; a 3x3 kernel has neither, as in networks for small pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from model_adapters.pytorch.architecture_index import Shapes
from model_adapters.pytorch.finding.families import IMAGENET_MEAN, IMAGENET_STD, Member, look_of

MOST_BLOCKS = 200
SHORTCUTS = ("downsample", "shortcut")
HEADS = ("fc", "linear")
LARGE_KERNEL = 5
SMALL_SIDE, USUAL_SIDE = 32, 224


@dataclass(frozen=True)
class Plan:
    """The sizes of a ResNet.

    blocks: for each stage, the shapes of the convolutions of each block. shortcut: what the layers beside a block are
    called, "" if they have no tensors. bottleneck: whether a block has three convolutions.
    """

    stem: tuple[int, ...]
    biased: bool
    blocks: tuple[tuple[tuple[tuple[int, ...], ...], ...], ...]
    shortcut: str
    head: str
    bottleneck: bool

    @property
    def small(self) -> bool:
        """Whether the first layer keeps the size of the picture."""
        return self.stem[2] < LARGE_KERNEL


def read(shapes: Shapes) -> Member | None:
    """Return the ResNet with these tensors, None if they are no such network."""
    plan = _plan(shapes)
    if plan is None:
        return None
    count = sum(len(block) for stage in plan.blocks for block in stage) + 2
    side = SMALL_SIDE if plan.small else USUAL_SIDE
    channels = plan.stem[1]
    return Member(
        name=f"ResNet-{count} ({len(plan.blocks)} stages, {plan.stem[0]} to {plan.blocks[-1][-1][-1][0]} channels)",
        build=lambda classes, inputs: ResNet(plan, classes, inputs),
        head=f"{plan.head}.weight",
        channels=channels,
        look=look_of(side, channels, IMAGENET_MEAN, IMAGENET_STD),
        reason=f"The file does not say the input size or how values are scaled. {side} px is usual for this kind.",
        fixed_size=False,
        notes=_notes(plan),
    )


def _notes(plan: Plan) -> tuple[str, ...]:
    stride = "1 without a max pooling" if plan.small else "2 with a max pooling"
    return (
        f"The file does not hold the stride of the first layer. {stride} is assumed, as its kernel has {plan.stem[2]}x"
        f"{plan.stem[2]} values. If the predictions look wrong, export the whole model as TorchScript or ONNX.",
    )


def _plan(shapes: Shapes) -> Plan | None:
    stem = shapes.get("conv1.weight", ())
    stages = [stage for number in range(1, 5) if (stage := _stage(shapes, number))]
    if len(stem) != 4 or stem[2] != stem[3] or len(stages) < 3:
        return None
    shortcut = next((n for n in SHORTCUTS if any(f".{n}.0." in name for name in shapes)), "")
    head = next((name for name in HEADS if any(n.startswith(f"{name}.") for n in shapes)), HEADS[0])
    kernels = {len(block) for stage in stages for block in stage}
    if len(kernels) != 1 or kernels.pop() not in (2, 3):
        return None
    return Plan(stem, "conv1.bias" in shapes, tuple(stages), shortcut, head, len(stages[0][0]) == 3)


def _stage(shapes: Shapes, number: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    blocks = []
    for place in range(MOST_BLOCKS):
        names = [f"layer{number}.{place}.conv{n}.weight" for n in (1, 2, 3)]
        convs = tuple(shapes[name] for name in names if len(shapes.get(name, ())) == 4)
        if not convs:
            break
        blocks.append(convs)
    return tuple(blocks)


class ResNet(nn.Module):  # type: ignore[misc]
    """A ResNet of a plan."""

    def __init__(self, plan: Plan, classes: int, channels: int) -> None:
        super().__init__()
        width, _, kernel, _ = plan.stem
        self.small = plan.small
        stride = 1 if plan.small else 2
        self.conv1 = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=plan.biased)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.Identity() if plan.small else nn.MaxPool2d(3, 2, 1)
        self.stages = []
        for number, blocks in enumerate(plan.blocks, 1):
            self.add_module(f"layer{number}", _stage_of(blocks, number, plan))
            self.stages.append(f"layer{number}")
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.add_module(plan.head, nn.Linear(plan.blocks[-1][-1][-1][0], classes))
        self.head = plan.head

    def forward(self, pictures: Any) -> Any:
        """Return the scores (N, K) of pictures (N, C, H, W)."""
        values = self.maxpool(self.relu(self.bn1(self.conv1(pictures))))
        for stage in self.stages:
            values = getattr(self, stage)(values)
        return getattr(self, self.head)(torch.flatten(self.avgpool(values), 1))


class Block(nn.Module):  # type: ignore[misc]
    """Two or three convolutions with a path around them."""

    def __init__(self, shapes: tuple[tuple[int, ...], ...], stride: int, shortcut: str) -> None:
        super().__init__()
        inputs, outputs = shapes[0][1], shapes[-1][0]
        self.count = len(shapes)
        strided = self.count - 2  # torchvision's bottlenecks have the stride at their second convolution
        for place, (wide, narrow, kernel, _) in enumerate(shapes):
            before = inputs if place == 0 else shapes[place - 1][0]
            conv = nn.Conv2d(
                before,
                wide,
                kernel,
                stride if place == strided else 1,
                kernel // 2,
                groups=before // narrow,
                bias=False,
            )
            self.add_module(f"conv{place + 1}", conv)
            self.add_module(f"bn{place + 1}", nn.BatchNorm2d(wide))
        self.relu = nn.ReLU()
        self.shortcut_name = shortcut
        around: nn.Module = nn.Identity() if stride == 1 and inputs == outputs else Padded(stride, outputs - inputs)
        if shortcut:
            around = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.add_module(shortcut or "around", around)

    def forward(self, values: Any) -> Any:
        """Return the block's output for values (N, C, H, W)."""
        inside = values
        for place in range(1, self.count + 1):
            inside = getattr(self, f"bn{place}")(getattr(self, f"conv{place}")(inside))
            if place < self.count:
                inside = self.relu(inside)
        return self.relu(inside + getattr(self, self.shortcut_name or "around")(values))


class Padded(nn.Module):  # type: ignore[misc]
    """The way around a block without tensors (option A of He et al., 2016): fewer pixels, more channels."""

    def __init__(self, stride: int, more: int) -> None:
        super().__init__()
        self.stride, self.before, self.after = stride, more // 2, more - more // 2

    def forward(self, values: Any) -> Any:
        """Return the values (N, C, H, W) at the size of the block's output."""
        taken = values[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(taken, (0, 0, 0, 0, self.before, self.after))


def _stage_of(blocks: tuple[tuple[tuple[int, ...], ...], ...], number: int, plan: Plan) -> nn.Sequential:
    made = []
    for place, shapes in enumerate(blocks):
        stride = 2 if place == 0 and number > 1 else 1
        changes = stride > 1 or shapes[0][1] != shapes[-1][0]
        made.append(Block(shapes, stride, plan.shortcut if changes and place == 0 else ""))
    return nn.Sequential(*made)
