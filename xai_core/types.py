"""The words of the product: what a model is, what it can do, what an explanation is.

Images are (N, H, W, 3) float32 RGB in [0, 1] everywhere but inside an adapter. An adapter's *inputs* are
(N, H, W, C) float32 in the units that the model was trained on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.preprocessing import Preprocessing

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]
Score = Literal["logit", "probability"]
Head = Literal["softmax", "sigmoid"]
Rule = Literal["gradient", "deconvnet", "guided", "rescale"]
Precision = Literal["float32", "bfloat16"]
Task = Literal["classify", "detect"]


class Capability(Flag):
    """What a loaded model offers to a method."""

    PREDICT = auto()
    GRADIENT = auto()
    BACKWARD_RULES = auto()  # gradients by another rule at each ReLU: deconvnet, guided
    RESCALE = auto()  # gradients by DeepLIFT's rescale rule
    ACTIVATIONS = auto()  # a layer's values, and the gradient with respect to them
    ABLATION = auto()  # scores with a layer's values replaced
    ATTENTION = auto()  # attention weights, and the gradient with respect to them
    PROPAGATION = auto()  # layer-wise relevance propagation
    RANDOMISATION = auto()  # a copy whose last layer is random
    DETECT = auto()  # boxes with labels and scores, instead of scores of the whole picture


OF_CLASSIFIERS = ~Capability.DETECT


@dataclass(frozen=True)
class ModelSource:
    """A model file as it was uploaded.

    path: where its bytes lie, under a name of our own. name: what the person calls it, for showing only.
    digest: SHA-256 of the bytes. architecture: the person's choice, such as "torchvision/resnet18", where the file is
    a bare state dict. owner: whose worker it runs in; sources of different owners never share a process. task: what it
    is opened as. reading: the person's choice of how a detector's outputs are read, "" for what the file itself says.
    """

    path: str
    name: str
    digest: str
    architecture: str | None = None
    owner: str = ""
    task: Task = "classify"
    reading: str = ""


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
class Layer:
    """A layer whose output lies on a grid over the picture: `height` x `width` places with `channels` values each."""

    name: str
    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class RawOutput:
    """An output of a graph whose meaning is not known: its name and shape, its range, and its first values."""

    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    first: tuple[float, ...]


@dataclass(frozen=True)
class Engine:
    """What runs the forward passes, and how its answers compare with those of the file's own framework.

    name: such as "OpenVINO". max_difference: greatest difference of a raw output on trial pictures, relative to the
    greatest output. top1_agreement: share of the person's pictures, or of trial pictures
    where there are none, with the same first class, 0 to 1.
    milliseconds: a picture, in batches. in_force: whether it is the one that is used for its precision.
    reason: why it is not used, a sentence; "" where it is.
    """

    name: str
    precision: Precision
    max_difference: float
    top1_agreement: float
    milliseconds: float
    in_force: bool
    reason: str = ""


@dataclass(frozen=True)
class Propagation:
    """How relevance is shared out by LRP: the rule of the inner layers and its constants.

    Source: Montavon and others, Layer-Wise Relevance Propagation: An Overview, 2019; alpha_beta has beta = alpha - 1.
    """

    rule: Literal["epsilon", "gamma", "alpha_beta"] = "epsilon"
    epsilon: float = 1e-6
    gamma: float = 0.25
    alpha: float = 2.0


@dataclass(frozen=True)
class Conditions:
    """How an explanation is computed, beside the method's own parameters.

    precision: of the passes through the network; "bfloat16" is faster and less exact. random_last_layer: the seed of
    the random weights that the last layer gets for this run, None to leave it. peer: the library that computes in
    our stead, such as "captum"; "" for Vitrine itself.
    """

    precision: Precision = "float32"
    random_last_layer: int | None = None
    peer: str = ""


USUAL_CONDITIONS = Conditions()


@dataclass(frozen=True)
class Card:
    """What was recognised in a model file; all that the app knows of a model it never opens.

    `gives` says what `Network.forward` returns, after a softmax or sigmoid that could be cut was cut; `head` is the
    function that turns logits into probabilities. `missing` maps the name of a capability that the model lacks to
    the reason, in a sentence. `hint` is the preprocessing that the file itself speaks for, `hint_reason` why.
    `layers` are those that CAM methods may look at, in the order of the forward pass; the last is the usual choice.
    `token_grid` is the height and width of a transformer's patches, where attention can be seen; further tokens, such
    as the class token, come before the patches. `raw_outputs` are what a detector gives where it is not known how to
    read them; such a card lacks DETECT. `reading` is how its outputs are read, as a source's `reading` says it.
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
    layers: tuple[Layer, ...] = ()
    token_grid: tuple[int, int] | None = None
    raw_outputs: tuple[RawOutput, ...] = ()
    reading: str = ""


class Network(ABC):
    """A classifier as its framework sees it; writing one is writing an adapter.

    Only `forward` must be there; the card's capabilities say what else is. Every call leaves the weights as they were,
    also where it raises. `key` sets a variant, by `randomised` or `at`, apart from the network that was opened.
    """

    card: Card
    key: str = ""

    @abstractmethod
    def forward(self, inputs: Floats) -> Floats:
        """Return raw outputs (N, K) for inputs (N, H, W, C); logits where `card.gives` says so."""

    def backward(
        self,
        inputs: Floats,
        targets: Indices,
        score: Score,
        rule: Rule = "gradient",
        references: Floats | None = None,
    ) -> Floats:
        """Return d score[n, targets[n]] / d inputs, shape (N, H, W, C); only where the card offers GRADIENT.

        Rules other than "gradient" change what passes a nonlinearity on the way back. "deconvnet": the positive part
        of what comes. "guided": of that, what enters where the ReLU was open. Both need BACKWARD_RULES. "rescale":
        what comes times the output's difference to a reference over the input's; it needs RESCALE and one reference
        (N, H, W, C) an input.
        """
        raise self._lacks("gradients")

    def activations(self, inputs: Floats, layer: str) -> Floats:
        """Return the output (N, h, w, K) of a layer of the card, extra tokens left out; needs ACTIVATIONS."""
        raise self._lacks("activations")

    def layer_gradients(self, inputs: Floats, targets: Indices, score: Score, layer: str) -> tuple[Floats, Floats]:
        """Return a layer's output and d score[n, targets[n]] / d output, both (N, h, w, K); needs ACTIVATIONS."""
        raise self._lacks("activations")

    def resume(self, inputs: Floats, layer: str, values: Floats) -> Floats:
        """Return raw outputs (N, K) for one input (1, H, W, C) whose layer gives `values` (N, h, w, k) instead.

        Needs ABLATION. Extra tokens stay as the input makes them.
        """
        raise self._lacks("ablation")

    def attentions(self, inputs: Floats, targets: Indices, score: Score) -> tuple[Floats, Floats]:
        """Return attention weights and d score[n, targets[n]] / d weights, both (L, N, heads, tokens, tokens).

        L counts the attention layers in the order of the forward pass; rows are queries. Needs ATTENTION.
        """
        raise self._lacks("attention")

    def propagate(self, inputs: Floats, targets: Indices, propagation: Propagation) -> Floats:
        """Return the relevance (N, H, W, C) of each input for logit[n, targets[n]]; needs PROPAGATION."""
        raise self._lacks("relevance propagation")

    def randomised(self, seed: int) -> Network:
        """Return a network that differs in its last layer, whose weights are random; needs RANDOMISATION.

        This network stays as it is. The random weights have the standard deviation of the ones they replace.
        """
        raise self._lacks("randomisation")

    def at(self, precision: Precision) -> Network:
        """Return this network as it works in a precision; where only float32 is known, itself."""
        return self

    def by_peer(
        self,
        library: str,
        method: str,
        values: Mapping[str, Any],
        preprocessing: Preprocessing,
        image: Floats,
        targets: Indices,
    ) -> Floats:
        """Return another library's maps (T, h, w) of a method with its parameters, for an image (H, W, 3) in [0, 1].

        `xai_core.trust.peers` lists what there is. The map may be coarser than the image.
        """
        raise self._lacks(f"comparison with {library}")

    def engines(self, height: int, width: int, own: Floats | None = None) -> tuple[Engine, ...]:
        """Return what the forward passes may run on, found out when it is first asked; the first is the native one.

        From then on `forward` uses the fastest engine of its precision whose answers agree. Measured on pictures of
        height x width pixels; the first classes are compared on the person's `own`, (N, H, W, C), where there are any.
        """
        return ()

    def _lacks(self, what: str) -> TypeError:
        return TypeError(f"{type(self).__name__} offers no {what}.")


@dataclass(frozen=True)
class Estimate:
    """The attribution so far; the last one a method yields is its answer.

    fraction: share of the work done, 0 to 1.
    maps: (T, H, W) float32, signed, one a target, at the model's input size.
    diagnostics: named figures with one value a target; None where a figure is undefined.
    standard_error: (T, H, W) float32 Monte-Carlo error of `maps`, for methods that sample.
    notes: sentences about this run that a person should know.
    """

    fraction: float
    maps: Floats
    diagnostics: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    standard_error: Floats | None = None
    notes: tuple[str, ...] = ()
