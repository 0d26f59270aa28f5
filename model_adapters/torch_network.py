"""Any PyTorch classifier behind the common interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from model_adapters.probes import in_batches
from xai_core.errors import ModelError, OutOfMemory, RefusedModel, UnsupportedModel
from xai_core.types import Card, Floats, Indices, Network, Score

LOGITS = ("logits", "out", "output")
NO_GRADIENT = "The model's scores have no gradient; choose a method that needs predictions only."
FILES = "The model tried to use a file outside its own folder and was stopped."
DETECTOR = "This model finds objects (it is a detector). Open it on the Detection page."
PICTURE = 224 * 224  # pixels
FORWARD_PIXELS = 32 * PICTURE  # asked at once on a CPU; more is hardly faster, and a worker's memory is limited
BACKWARD_PIXELS = 8 * PICTURE  # fewer, as all activations are kept
SEGMENTATION = "This model labels every pixel (segmentation); a classifier, with one score a class, is needed."


class TorchNetwork(Network):
    """An nn.Module or ScriptModule, frozen and in eval mode; it runs on a GPU where there is one.

    channels_last: whether it works on pictures as they lie in memory, NHWC, which is faster; not all modules do.
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

    def forward(self, inputs: Floats) -> Floats:
        return in_batches(self._forward, self.card.input.batch, inputs, most=self._most(inputs, FORWARD_PIXELS))

    def backward(self, inputs: Floats, targets: Indices, score: Score) -> Floats:
        def one_batch(part: Floats, wanted: Indices) -> Floats:
            return self._backward(part, wanted, score)

        most = self._most(inputs, BACKWARD_PIXELS)
        return in_batches(one_batch, self.card.input.batch, inputs, targets, most=most)

    def _most(self, inputs: Floats, pixels: int) -> int | None:
        return max(1, pixels // (inputs.shape[1] * inputs.shape[2])) if self._device.type == "cpu" else None

    def _forward(self, inputs: Floats) -> Floats:
        with torch.inference_mode():
            return np.asarray(answer(self._module, self._tensor(inputs)).cpu().numpy(), np.float32)

    def _backward(self, inputs: Floats, targets: Indices, score: Score) -> Floats:
        with torch.enable_grad():
            leaf = self._tensor(inputs).requires_grad_()
            scores = self._scores(
                answer(self._module, leaf.clone()), score
            )  # a copy, as a first layer may work in place
            chosen = scores.gather(1, torch.from_numpy(targets).to(self._device)[:, None]).sum()
            found = gradient(chosen, leaf)
        return np.ascontiguousarray(found.permute(0, 2, 3, 1).cpu().numpy(), np.float32)

    def _scores(self, raw: Any, score: Score) -> Any:
        if score == "logit" or self.card.gives == "probability":
            return raw
        return torch.softmax(raw, 1) if self.card.head == "softmax" else torch.sigmoid(raw)

    def _tensor(self, inputs: Floats) -> Any:
        planes = torch.from_numpy(inputs).permute(0, 3, 1, 2)
        return planes.to(self._device, copy=True, memory_format=self._format)


def frozen(module: Any) -> Any:
    """Return the module in eval mode and float32, without gradients of its own."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    module = module.float()
    return module if isinstance(module, torch.fx.GraphModule) else module.eval()  # an exported graph has no modes


def answer(module: Any, tensor: Any) -> Any:
    """Return a module's scores (N, K) for (N, C, H, W); a VitrineError where it fails or is no classifier.

    TorchScript runs as it is written: compiling it anew for each batch size would take seconds a time.
    """
    with told(tensor), torch.jit.optimized_execution(False):
        return rows(module(tensor)).float()


@contextmanager
def told(tensor: Any) -> Iterator[None]:
    """Turn what PyTorch raises inside a model asked with `tensor` (N, C, H, W) into a sentence."""
    try:
        yield
    except (RuntimeError, ValueError, LookupError, TypeError, AssertionError, MemoryError) as error:
        if uses_files(error):
            raise RefusedModel(FILES) from None
        _check_memory(error, len(tensor))
        _, channels, height, width = tensor.shape
        raise ModelError(
            f"The model does not take pictures of {width}x{height} pixels with {channels} channels. "
            "Set the input size that it was trained with."
        ) from error


def uses_files(error: Exception) -> bool:
    """Whether an error came from a module that tried to open a file and could not."""
    return "unable to open file" in str(error) or "Permission denied" in str(error)


def gradient(chosen: Any, leaf: Any) -> Any:
    """Return d chosen / d leaf; zeros where the leaf plays no part. ModelError where there is none."""
    if not chosen.requires_grad:
        raise ModelError(NO_GRADIENT)
    try:
        (found,) = torch.autograd.grad(chosen, leaf, allow_unused=True)
    except (RuntimeError, MemoryError) as error:
        _check_memory(error, len(leaf))
        raise ModelError(NO_GRADIENT) from error
    return torch.zeros_like(leaf) if found is None else found


def _check_memory(error: Exception, pictures: int) -> None:
    if "allocate memory" in str(error) or isinstance(error, torch.OutOfMemoryError | MemoryError):
        way_out = f"on {pictures} pictures; choose a smaller batch." if pictures > 1 else "on a single picture."
        raise OutOfMemory(f"The model ran out of memory {way_out}") from None


def rows(output: Any) -> Any:
    """Return the scores (N, K) from what a module returned; UnsupportedModel where that is no classifier's answer."""
    tensor = output if isinstance(output, torch.Tensor) else _chosen(output)
    while tensor.dim() > 2 and tensor.shape[-1] == 1:
        tensor = tensor.squeeze(-1)
    if tensor.dim() == 1:
        tensor = tensor[:, None]
    if tensor.dim() == 4:
        raise UnsupportedModel(SEGMENTATION)
    if tensor.dim() != 2:
        shape = "x".join(map(str, tensor.shape)) or "a single number"
        raise UnsupportedModel(f"A classifier returns one row of scores a picture; this model returned {shape}.")
    return tensor


def _chosen(output: Any) -> Any:
    if isinstance(output, Mapping):
        if named := [output[name] for name in LOGITS if isinstance(output.get(name), torch.Tensor)]:
            return named[0]
        output = list(output.values())
    if isinstance(output, list | tuple):
        if any(isinstance(part, Mapping) and "boxes" in part for part in output):
            raise UnsupportedModel(DETECTOR)
        tensors = [part for part in output if isinstance(part, torch.Tensor)]
        flat = [tensor for tensor in tensors if tensor.dim() == 2]
        chosen = flat or tensors
        if len(chosen) == 1:
            return chosen[0]
        raise UnsupportedModel(f"The model returns {len(tensors)} outputs; export it with its class scores alone.")
    raise UnsupportedModel(f"A classifier returns a tensor; this model returned {type(output).__name__[:40]}.")
