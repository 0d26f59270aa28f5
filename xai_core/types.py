"""The words of the product: what a model is, what it can do, what an explanation is.

Images are (N, H, W, 3) float32 RGB in [0, 1] everywhere but inside an adapter. An adapter's *inputs* are
(N, H, W, C) float32 in the units that the model was trained on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.preprocessing import Preprocessing

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Score = Literal["logit", "probability"]
Head = Literal["softmax", "sigmoid"]


class Capability(Flag):
    """What a loaded model offers to a method."""

    PREDICT = auto()
    GRADIENT = auto()


@dataclass(frozen=True)
class ModelSource:
    """A model file as it was uploaded.

    path: where its bytes lie, under a name of our own. name: what the person calls it, for showing only.
    digest: SHA-256 of the bytes. architecture: the person's choice, such as "torchvision/resnet18", where the file is
    a bare state dict. owner: whose worker it runs in; sources of different owners never share a process.
    """

    path: str
    name: str
    digest: str
    architecture: str | None = None
    owner: str = ""


@dataclass(frozen=True)
class FileKind:
    """What a model file is, by its content: `format` as preflight names it, and the framework that opens it."""

    format: str
    framework: Literal["pytorch", "tensorflow", "onnx"]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputSpec:
    """The input that a model takes; None stands for a size that is free."""

    height: int | None
    width: int | None
    channels: int = 3
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    batch: int | None = None


@dataclass(frozen=True)
class Card:
    """What was recognised in a model file; all that the app knows of a model it never opens.

    `gives` says what `Network.forward` returns, after a softmax or sigmoid that could be cut was cut; `head` is the
    function that turns logits into probabilities. `missing` maps the name of a capability that the model lacks to
    the reason, in a sentence. `hint` is the preprocessing that the file itself speaks for, `hint_reason` why.
    """

    framework: str
    format: str
    classes: int
    input: InputSpec
    capabilities: Capability
    gives: Score = "logit"
    head: Head = "softmax"
    architecture: str | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    hint: Preprocessing | None = None
    hint_reason: str = ""
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Network(ABC):
    """A classifier as its framework sees it; writing one is writing an adapter."""

    card: Card

    @abstractmethod
    def forward(self, inputs: Floats) -> Floats:
        """Return raw outputs (N, K) for inputs (N, H, W, C); logits where `card.gives` says so."""

    def backward(self, inputs: Floats, targets: Indices, score: Score) -> Floats:
        """Return d score[n, targets[n]] / d inputs, shape (N, H, W, C); only where the card offers GRADIENT."""
        raise TypeError(f"{type(self).__name__} offers no gradients.")


@dataclass(frozen=True)
class Estimate:
    """The attribution so far; the last one a method yields is its answer.

    fraction: share of the work done, 0 to 1.
    maps: (T, H, W) float32, signed, one a target, at the model's input size.
    diagnostics: named figures with one value a target; None where a figure is undefined.
    standard_error: (T, H, W) float32 Monte-Carlo error of `maps`, for methods that sample.
    """

    fraction: float
    maps: Floats
    diagnostics: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    standard_error: Floats | None = None
