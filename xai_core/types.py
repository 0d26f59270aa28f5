"""The core types: what a model is, what it can do, what an explanation is.

Images are (N, H, W, 3) float32 RGB in [0, 1] everywhere except inside an adapter. An adapter's *inputs* are
(N, H, W, C) float32 in the units the model was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.model_code import CodeEntry, ModelCode
from xai_core.preprocessing import Floats as Floats
from xai_core.preprocessing import Preprocessing

Doubles = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]
Score = Literal["logit", "probability"]
Head = Literal["softmax", "sigmoid", "none", "similarity"]  # see xai_core.scores
Layout = Literal["NCHW", "NHWC"]
Rule = Literal["gradient", "deconvnet", "guided", "rescale"]
Precision = Literal["float32", "bfloat16"]
Task = Literal["classify", "detect", "segment"]
MOST_SETTINGS = 300  # of a card


class Capability(Flag):
    """What a loaded model offers to methods."""

    PREDICT = auto()
    GRADIENT = auto()
    BACKWARD_RULES = auto()  # gradients with a modified rule at each ReLU: deconvnet, guided
    RESCALE = auto()  # gradients by DeepLIFT's rescale rule
    ACTIVATIONS = auto()  # a layer's output, and the gradient with respect to it
    ABLATION = auto()  # scores with a layer's output replaced
    ATTENTION = auto()  # attention weights, and the gradient with respect to them
    PROPAGATION = auto()  # layer-wise relevance propagation
    RANDOMISATION = auto()  # a copy whose last layer is random
    DETECT = auto()  # boxes with labels and scores, instead of scores for the whole picture


OF_CLASSIFIERS = ~Capability.DETECT


@dataclass(frozen=True)
class ModelSource:
    """A model file as it was uploaded.

    path: where its bytes are stored, under a generated name. name: the user's name for it, for display only.
    digest: SHA-256 of the bytes. architecture: the user's choice for weights alone, such as "torchvision/resnet18", or
    "torchvision/resnet18 in model_ema" for the one behind a prefix. owner: whose worker it runs in; sources of
    different owners never share a process. task: what it is opened as. reading: the user's choice of how to read a
    detector's outputs, or of which output of a classifier holds its scores, as JSON; "" to follow the file. code: the
    Python code that defines the network of weights alone.
    """

    path: str
    name: str
    digest: str
    architecture: str | None = None
    owner: str = ""
    task: Task = "classify"
    reading: str = ""
    code: ModelCode | None = None


@dataclass(frozen=True)
class FileKind:
    """What a model file is, judged by its content: the `format` that preflight detects and the framework to open it.

    "tf_keras" is TensorFlow with Keras 2, which shares no process with Keras 3.
    """

    format: str
    framework: Literal["pytorch", "tensorflow", "tf_keras", "onnx", "openvino"]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputSpec:
    """The input of a model; None means that the size is free."""

    height: int | None
    width: int | None
    channels: int = 3
    layout: Layout = "NCHW"
    batch: int | None = None


@dataclass(frozen=True)
class Layer:
    """A layer whose output lies on a grid over the picture: `height` x `width` positions, `channels` values each."""

    name: str
    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class RawOutput:
    """An output of a graph whose meaning is unknown: its name and shape, its range, and its first values."""

    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    first: tuple[float, ...]


@dataclass(frozen=True)
class ScoreOutput:
    """An output of a classifier that may hold its class scores: its name and its shape on a trial, with the batch.

    classes: the number of classes if it holds the scores; 0 if it does not have one score per class. reason: why it is
    the likeliest of all, as a clause; "" for the others.
    """

    name: str
    shape: tuple[int, ...]
    classes: int
    reason: str = ""


@dataclass(frozen=True)
class Engine:
    """What runs the forward passes, and how its outputs compare with those of the file's own framework.

    name: such as "OpenVINO". max_difference: largest difference in a raw output on trial pictures, relative to the
    largest output. top1_agreement: share of the user's pictures (or trial pictures) with the same top class, 0 to 1.
    milliseconds: per picture, in batches. These three are None if they could not be measured. used: whether it is used
    for its precision. reason: why not, or "".
    """

    name: str
    precision: Precision
    max_difference: float | None
    top1_agreement: float | None
    milliseconds: float | None
    used: bool
    reason: str = ""


@dataclass(frozen=True)
class Propagation:
    """How LRP distributes relevance: the rule for the inner layers and its constants.

    Source: Montavon and others, Layer-Wise Relevance Propagation: An Overview, 2019; alpha_beta has beta = alpha - 1.
    """

    rule: Literal["epsilon", "gamma", "alpha_beta"] = "epsilon"
    epsilon: float = 1e-6
    gamma: float = 0.25
    alpha: float = 2.0


@dataclass(frozen=True)
class Conditions:
    """How an explanation is computed, beyond the method's own parameters.

    precision: of the passes through the network; "bfloat16" is faster and less accurate. random_last_layer: seed for
    random weights in the last layer, None to keep the trained ones. peer: the library that computes the map, such as
    "captum"; "" for Vitrine itself. channel: the only channel of the picture that is explained, from 0, while the
    others stay as they are; None for all channels, summed or reduced as the method does.
    """

    precision: Precision = "float32"
    random_last_layer: int | None = None
    peer: str = ""
    channel: int | None = None


USUAL_CONDITIONS = Conditions()


@dataclass(frozen=True)
class Card:
    """What is known about a model file; the app never opens the model itself.

    `gives` says what `Network.forward` returns once a removable softmax or sigmoid is removed; `head` says how that
    becomes the scores of classes, and `head_known` whether the file says so, or the user; otherwise it is assumed.
    `doubt` is why the outputs do not look like scores of classes, as a clause; such a card asks. `both_sides` is
    true where a single output became two classes, of which the second is the one that the output speaks for.
    `missing` maps each capability the model lacks to the reason, a sentence. `hint` is the preprocessing that the
    file itself suggests, `hint_reason` says why, and `hint_known` whether the file or its known network says so;
    otherwise it is a guess. `layers` are those that CAM methods can use, in the order of the
    forward pass; the last one is the default. `token_grid` is the height and width of a transformer's patch grid,
    if attention is available; other tokens, such as the class token, come before the patches. `raw_outputs` are a
    detector's outputs if it is unknown how to read them; such a card lacks DETECT. `reading` is how the outputs are
    read, in the form of a source's `reading`. `choices` are other networks that the same file may hold, each in the
    form of a source's `architecture`. `outputs` are a classifier's if it is unknown which of them holds the class
    scores; `Network.forward` then returns the rows of those that may, in this order, side by side. `task`
    is what the model was opened as. `entries` are what the source's code offers to build if nothing was chosen yet;
    such a card has no classes. `settings` are the plain values beside the weights, such as those of the training, as
    texts by name.
    """

    framework: str
    format: str
    classes: int
    input: InputSpec
    capabilities: Capability
    gives: Score = "logit"
    head: Head = "softmax"
    head_known: bool = False
    doubt: str = ""
    both_sides: bool = False
    architecture: str | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    hint: Preprocessing | None = None
    hint_reason: str = ""
    hint_known: bool = True
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    token_grid: tuple[int, int] | None = None
    raw_outputs: tuple[RawOutput, ...] = ()
    reading: str = ""
    choices: tuple[str, ...] = ()
    outputs: tuple[ScoreOutput, ...] = ()
    task: Task = "classify"
    entries: tuple[CodeEntry, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def usual_layer(self) -> Layer:
        """The layer that CAM methods use if none is chosen: the last one.

        For segmentation, the last one of those with the coarsest grid: later layers see little beyond a pixel, so
        their maps only repeat the region. Source: Vinogradova and others, Seg-Grad-CAM, 2020.
        """
        if self.task != "segment":
            return self.layers[-1]
        return min(reversed(self.layers), key=lambda layer: layer.height * layer.width)


@dataclass(frozen=True)
class Estimate:
    """The attribution so far; the last estimate of a method is its result.

    fraction: share of the work done, 0 to 1.
    maps: (T, H, W) float32, signed, one per target, at the model's input size.
    diagnostics: named figures with one value per target; None if undefined.
    standard_error: (T, H, W) float32 Monte Carlo error of `maps`, for methods that sample.
    notes: what users should know about this run, as sentences.
    """

    fraction: float
    maps: Floats
    diagnostics: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    standard_error: Floats | None = None
    notes: tuple[str, ...] = ()
