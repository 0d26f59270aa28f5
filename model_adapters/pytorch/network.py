"""Any PyTorch classifier behind the common interface."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from model_adapters.common.probes import AT_ONCE, in_batches, noise
from model_adapters.engines.openvino import Portable
from model_adapters.pytorch import precisions
from model_adapters.pytorch.answers import answer, gradient, gradients
from model_adapters.pytorch.attention import Attention, by_picture, openly
from model_adapters.pytorch.ends import Ended
from model_adapters.pytorch.inside import Inside, look_inside, nothing
from model_adapters.pytorch.layers import Place, scores_from, scores_with, values_at
from model_adapters.pytorch.propagation import relevance
from model_adapters.pytorch.randomised import randomised
from model_adapters.pytorch.rules import way_back
from model_adapters.pytorch.ways import ways_of
from xai_core.ends import End
from xai_core.errors import ModelError
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.types import Card, Floats, Indices, Precision, Propagation, Rule, Score

BACKWARD_PIXELS = AT_ONCE // 4  # fewer, since all activations are kept


class TorchNetwork(Network):
    """An nn.Module or ScriptModule, frozen and in eval mode; it runs on a GPU if there is one.

    channels_last: whether to compute in the NHWC memory layout, which is faster but not supported by all modules.
    """

    def __init__(self, module: Any, card: Card, channels_last: bool = False) -> None:
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False
        self.card = card
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._module = frozen(module).to(device=self._device)
        if channels_last:
            self._module = self._module.to(memory_format=self._format)
        self._whole, self._classes = self._module, card.classes  # without an end
        self._end: End | None = None
        self._inside: Inside = nothing("")
        self._precision: Precision = "float32"

    def look_inside(self, side: int) -> None:
        """Find layers, attention and ways back, and enter them on the card; `side` stands in for a free size."""
        pictures = noise(self.card.input, self._batch or 1, side)
        self._inside = inside = look_inside(self._module, self._tensor(pictures))
        ways = ways_of(self._module, self._tensor(pictures), self.card)
        self.card = replace(
            self.card,
            capabilities=self.card.capabilities | inside.capabilities | ways.capabilities,
            missing={**self.card.missing, **inside.missing, **ways.missing},
            notes=(*self.card.notes, *ways.notes),
            layers=tuple(place.layer for place in inside.places.values()),
            token_grid=inside.token_grid,
        )

    def forward(self, inputs: Floats) -> Floats:
        return in_batches(self._forward, self.card.input.batch, inputs, most=self._most(inputs, AT_ONCE))

    def backward(
        self,
        inputs: Floats,
        targets: Indices,
        score: Score,
        rule: Rule = "gradient",
        references: Floats | None = None,
    ) -> Floats:
        def one_batch(part: Floats, wanted: Indices, *others: Floats) -> Floats:
            return self._backward(part, wanted, score, rule, *others)

        return self._backwards(one_batch, inputs, targets, *([] if references is None else [references]))

    def activations(self, inputs: Floats, layer: str) -> Floats:
        place = self._place(layer)

        def one_batch(part: Floats) -> Floats:
            with torch.inference_mode():
                return _numbers(values_at(self._module, self._tensor(part), place))

        return in_batches(one_batch, self._batch, inputs, most=self._most(inputs, AT_ONCE))

    def layer_gradients(self, inputs: Floats, targets: Indices, score: Score, layer: str) -> tuple[Floats, Floats]:
        place = self._place(layer)

        def one_batch(part: Floats, wanted: Indices) -> Floats:
            with torch.enable_grad():
                raw, leaf = scores_from(self._module, self._tensor(part), place)
                slopes = gradient(self._chosen(raw, wanted, score), leaf)
            pairs = (place.on_grid(tensor.detach(), part.shape[1:3]) for tensor in (leaf, slopes))
            return _numbers(torch.stack(list(pairs), 1))

        stacked = self._backwards(one_batch, inputs, targets)
        return stacked[:, 0], stacked[:, 1]

    def resume(self, inputs: Floats, layer: str, values: Floats) -> Floats:
        place = self._place(layer)
        most = self._most(inputs, AT_ONCE)
        return in_batches(lambda part: self._resume(inputs, place, part), self._batch, values, most=most)

    def attentions(self, inputs: Floats, targets: Indices, score: Score) -> tuple[Floats, Floats]:
        def one_batch(part: Floats, wanted: Indices) -> Floats:
            with torch.enable_grad():
                with openly(), Attention() as attention:
                    leaf = self._tensor(part).requires_grad_()  # otherwise a compiled graph takes its own shortcuts
                    raw = answer(self._module, leaf.clone())
                slopes = gradients(self._chosen(raw, wanted, score), attention.weights)
            pairs = (torch.stack([by_picture(w, len(part)) for w in both], 1) for both in (attention.weights, slopes))
            return _numbers(torch.stack(list(pairs), 1))

        stacked = self._backwards(one_batch, inputs, targets)
        return stacked[:, 0].swapaxes(0, 1), stacked[:, 1].swapaxes(0, 1)

    def propagate(self, inputs: Floats, targets: Indices, propagation: Propagation) -> Floats:
        module = Ended(self._whole, self._end, lengths_held=True) if self._end else self._module

        def one_batch(part: Floats, wanted: Indices) -> Floats:
            chosen = torch.from_numpy(wanted).to(self._device)
            shares = relevance(lambda tensor: answer(module, tensor), self._tensor(part), chosen, propagation)
            return _numbers(shares.permute(0, 2, 3, 1))

        return self._backwards(one_batch, inputs, targets)

    def randomised(self, seed: int) -> TorchNetwork:
        made = copy.copy(self)
        made._whole = randomised(self._whole, self._classes, seed)
        made._module = Ended(made._whole, self._end) if self._end else made._whole
        made.key = f"{self.key} random {seed}".strip()
        return made

    def ended(self, end: End) -> TorchNetwork:
        made = copy.copy(self)
        made._end, made._module = end, Ended(self._whole, end)
        made.key = f"{self.key} {end.key}".strip()
        return made

    def by_peer(
        self,
        library: str,
        method: str,
        values: Mapping[str, Any],
        preprocessing: Preprocessing,
        image: Floats,
        targets: Indices,
    ) -> Floats:
        from model_adapters.pytorch.peers.compare import maps  # libraries that few runs need

        model = (self._module, self.card, self._inside.places)
        return maps(library, method, values, *model, preprocessing, image, targets)

    def at(self, precision: Precision) -> TorchNetwork:
        """Return the network with scores and gradients in a precision; everything else stays in float32."""
        if precision == self._precision or not precisions.knows(self._device, precision):
            return self
        made = copy.copy(self)
        made._precision, made.key = precision, precisions.key_in(self.key, precision)
        return made

    def portable(self, height: int, width: int) -> Portable | None:
        """Return the module for other engines, for pictures of height x width pixels; None if it is on a GPU."""
        if self._device.type != "cpu":
            return None
        return precisions.portable(self._module, self.card.input, height, width)

    def _backwards(self, call: Callable[..., Floats], inputs: Floats, *others: Any) -> Floats:
        return in_batches(call, self._batch, inputs, *others, most=self._most(inputs, BACKWARD_PIXELS))

    @property
    def _batch(self) -> int | None:
        return self.card.input.batch

    def _place(self, layer: str) -> Place:
        if layer not in self._inside.places:
            raise ModelError(f"This model has no layer {layer[:80]!r} that can be used; choose one from its list.")
        return self._inside.places[layer]

    def _most(self, inputs: Floats, pixels: int) -> int | None:
        return max(1, pixels // (inputs.shape[1] * inputs.shape[2])) if self._device.type == "cpu" else None

    def _forward(self, inputs: Floats) -> Floats:
        with torch.inference_mode(), precisions.passes_in(self._precision, self._device):
            return _numbers(answer(self._module, self._tensor(inputs)))

    def _backward(self, inputs: Floats, targets: Indices, score: Score, rule: Rule, *others: Floats) -> Floats:
        precision = self._precision if rule == "gradient" else "float32"

        def chosen(tensor: Any) -> Any:
            with precisions.passes_in(precision, self._device):
                raw = answer(self._module, tensor)
            return self._chosen(raw, targets, score)

        with torch.enable_grad():
            leaf = self._tensor(inputs).requires_grad_()
            forth, back = way_back(rule, lambda: chosen(self._tensor(*others)))
            with forth:
                total = chosen(leaf.clone())  # a copy, as a first layer may work in place
            with back:
                slopes = gradient(total, leaf)
        return _numbers(slopes.permute(0, 2, 3, 1))

    def _resume(self, inputs: Floats, place: Place, values: Floats) -> Floats:
        with torch.inference_mode():
            wanted = torch.from_numpy(values).to(self._device)
            if self._batch is None:
                with suppress(ModelError):  # with a path around the layer, the network needs as many inputs as values
                    scores = scores_with(self._module, self._tensor(inputs), place, wanted)
                    if len(scores) == len(values):
                        return _numbers(scores)
            repeated = self._tensor(np.repeat(inputs, len(values), axis=0))
            return _numbers(scores_with(self._module, repeated, place, wanted))

    def _chosen(self, raw: Any, targets: Indices, score: Score) -> Any:
        """Return the sum of the scores [n, targets[n]] of raw outputs (N, K)."""
        return self._scores(raw, score).gather(1, torch.from_numpy(targets).to(self._device)[:, None]).sum()

    def _scores(self, raw: Any, score: Score) -> Any:
        if score == "logit" or self.card.gives == "probability":
            return raw
        return torch.softmax(raw, 1) if self.card.head == "softmax" else torch.sigmoid(raw)

    def _tensor(self, inputs: Floats) -> Any:
        planes = torch.from_numpy(inputs).permute(0, 3, 1, 2)
        return planes.to(self._device, copy=True, memory_format=self._format)


def _numbers(tensor: Any) -> Floats:
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float32)


def frozen(module: Any) -> Any:
    """Return the module in eval mode and float32, without gradients of its own."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    module = module.float()
    return module if isinstance(module, torch.fx.GraphModule) else module.eval()  # an exported graph has no modes
