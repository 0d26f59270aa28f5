"""Find the layers and attention of a PyTorch network by one forward and backward pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from model_adapters.pytorch.answers import answer, gradient
from model_adapters.pytorch.attention import Attention, openly
from model_adapters.pytorch.layers import Form, Place
from xai_core.types import Capability, Layer

LAYERS = Capability.ACTIVATIONS | Capability.ABLATION
MOST_BEFORE = 16  # class, distillation and register tokens
PROJECTIONS = re.compile(r"(^|[._])(q|k|v|query|key|value)(_?proj)?$")  # parts of one attention, not layers
SHUFFLING = ("Unroll", "HieraModel")  # modules that put tokens in another order than that of the picture
MOST_MERGES = 4
SEALED = "TorchScript keeps its inner layers sealed. Use the weights alone (a state dict), or ONNX."
UNSEEN = "this network could not be followed layer by layer. Choose a method that needs gradients or predictions only."
NO_LAYERS = (
    "no layer was found whose output lies on a grid over the picture and acts on the scores. "
    "Choose a method that needs gradients or predictions only."
)
NO_ATTENTION = "this network has no attention between all patches of the picture. Choose a gradient or CAM method."
WINDOWS = (
    "the attention of this network covers windows or different numbers of patches, so it cannot be traced through the "
    "layers. Choose a gradient or CAM method."
)


@dataclass(frozen=True)
class Inside:
    """What is accessible: places of layers by name, in the order of the pass, and the grid of a transformer's patches.

    missing: the reason for each missing capability.
    """

    places: Mapping[str, Place] = field(default_factory=dict)
    token_grid: tuple[int, int] | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def capabilities(self) -> Capability:
        seen = LAYERS if self.places else Capability(0)
        return seen | Capability.ATTENTION if self.token_grid else seen


def look_inside(module: Any, tensor: Any) -> Inside:
    """Find the layers and the attention of a module that takes `tensor` (N, C, H, W); never fails."""
    if isinstance(module, torch.jit.ScriptModule):
        return nothing(SEALED)
    try:
        return _seen(module, tensor)
    except Exception:  # a model's own code may do anything; it still has its gradients
        return nothing(UNSEEN)


def nothing(reason: str) -> Inside:
    return Inside(missing={name.name or "": reason for name in LAYERS | Capability.ATTENTION})


def _seen(module: Any, tensor: Any) -> Inside:
    leaf = tensor.clone().requires_grad_()
    with torch.enable_grad():
        walk = _Walk(leaf.clone(), any(type(part).__name__ in SHUFFLING for part in module.modules()))
        with openly(), walk.listening(module), walk.attention:
            scores = answer(module, walk.pictures)
    mixed = torch.randn(scores.shape[1], generator=torch.Generator().manual_seed(0)).to(scores)
    gradient((scores * mixed).sum(), leaf)
    places = walk.places()
    grid, reason = walk.token_grid()
    missing = dict.fromkeys([] if places else ["ACTIVATIONS", "ABLATION"], NO_LAYERS)
    return Inside(places, grid, missing if grid else {**missing, "ATTENTION": reason})


def _merged(height: int, width: int, depth: int, count: int, channels: int) -> tuple[int, int] | None:
    """Return the grid that is left once tokens were merged by fours, doubling their channels; None if none fits."""
    for _ in range(MOST_MERGES):
        height, width, depth = -(-height // 2), -(-width // 2), 2 * depth
        if (height * width, depth) == (count, channels) and min(height, width) > 1:
            return height, width
    return None


class _Output:
    """A module's output on a grid, kept so that no other tensor takes its identity."""

    def __init__(self, name: str, call: int, form: Form, before: int, grid: tuple[int, int], tensor: Any) -> None:
        self.name, self.call, self.form, self.before, self.grid, self.tensor = name, call, form, before, grid, tensor
        self.acts = False
        tensor.register_hook(self._felt)

    def _felt(self, gradient: Any) -> None:
        patches = gradient[:, self.before :] if self.form == "tokens" else gradient
        self.acts = self.acts or bool((patches != 0).any())

    def place(self, picture: tuple[int, int]) -> Place:
        channels = self.tensor.shape[1 if self.form == "planes" else -1]
        return Place(Layer(self.name, *self.grid, channels), picture, self.call, self.form, self.before)


class _Walk:
    """Observes each module's output in a run on pictures (N, C, H, W). shuffled: whether tokens leave their order."""

    def __init__(self, pictures: Any, shuffled: bool = False) -> None:
        self.attention = Attention()
        self.pictures, self._shuffled = pictures, shuffled
        self._calls: dict[str, int] = {}
        self._outputs: dict[tuple[int, int], _Output] = {}
        self._patches: list[tuple[int, int, int]] = []
        self._counts: set[int] = set()

    @contextmanager
    def listening(self, module: Any) -> Iterator[None]:
        parts = [(name, part) for name, part in module.named_modules() if name and not PROJECTIONS.search(name)]
        handles = [part.register_forward_hook(self._hears(name)) for name, part in parts]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def places(self) -> dict[str, Place]:
        """Return the layers that act on the scores; for a module called more than once, the last such call."""
        places: dict[str, Place] = {}
        for output in self._outputs.values():
            if output.acts:
                places.pop(output.name, None)
                places[output.name] = output.place(tuple(self.pictures.shape[2:]))
        return places

    def token_grid(self) -> tuple[tuple[int, int] | None, str]:
        """Return the grid of patches that all attention layers cover, or None and the reason."""
        weights = self.attention.weights
        if not weights:
            return None, NO_ATTENTION
        count = weights[0].shape[-1]
        grids = [(h, w) for h, w, _ in self._patches if 0 <= count - h * w <= MOST_BEFORE]
        same = len({layer_weights.shape for layer_weights in weights}) == 1 and not self.attention.across
        whole = weights[0].dim() == 3 or len(weights[0]) == len(self.pictures)
        return (grids[-1], "") if grids and same and whole else (None, WINDOWS)

    def _hears(self, name: str) -> Callable[..., None]:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            call = self._calls.get(name, 0)
            self._calls[name] = call + 1
            if isinstance(output, torch.Tensor) and output.requires_grad and output is not self.pictures:
                self._note(name, call, output)

        return hook

    def _note(self, name: str, call: int, output: Any) -> None:
        same = (id(output), output._version)  # a tensor changed in place is a different output
        if known := self._outputs.get(same):
            if known.name.startswith(f"{name}."):
                known.name, known.call = name, call
        elif position := self._lies(output):
            self._outputs[same] = _Output(name, call, *position, output)

    def _lies(self, output: Any) -> tuple[Form, int, tuple[int, int]] | None:
        """Return the form of an output, its tokens before the grid, and the grid; None if it is not on one."""
        shape = tuple(output.shape)
        if shape[:1] != (len(self.pictures),):
            return None
        if output.dim() == 3:
            return self._lies_in_tokens(*shape[1:])
        if output.dim() != 4 or self._relates_tokens(output):
            return None
        if self._is_grid(*shape[2:]):
            self._patches.append((*shape[2:], shape[1]))
            return "planes", 0, shape[2:]
        return ("rows", 0, shape[1:3]) if self._is_grid(*shape[1:3]) else None

    def _relates_tokens(self, output: Any) -> bool:
        rows, columns = output.shape[2:]
        return rows == columns in self._counts or any(output is weights for weights in self.attention.weights)

    def _lies_in_tokens(self, count: int, channels: int) -> tuple[Form, int, tuple[int, int]] | None:
        for height, width, depth in () if self._shuffled else reversed(self._patches):
            before = count - height * width
            if depth == channels and 0 <= before <= MOST_BEFORE:
                self._counts.add(count)
                return "tokens", before, (height, width)
            if grid := _merged(height, width, depth, count, channels):
                return "tokens", 0, grid
        return None

    def _is_grid(self, height: int, width: int) -> bool:
        """Whether both sides are longer than one place and have the picture's aspect ratio, up to rounding."""
        whole_height, whole_width = self.pictures.shape[2:]
        alike: bool = abs(height * whole_width - width * whole_height) <= max(whole_height, whole_width)
        return 1 < height <= whole_height and 1 < width <= whole_width and alike
