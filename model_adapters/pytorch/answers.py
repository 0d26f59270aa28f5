"""Run a PyTorch module: get its rows of scores and their gradient, and put errors into words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from model_adapters.common.probes import ran_out
from model_adapters.common.segmentation import LABELS_ONLY, SEGMENTATION
from xai_core.errors import ModelError, RefusedModel, TryAsDetector, TryAsSegmenter, UnsupportedModel, is_of_memory

Steps = tuple[int | str, ...]  # indices and keys, from the outermost

LOGITS = ("logits", "out", "output")
NO_GRADIENT = "The model's scores have no gradient; choose a method that needs predictions only."
FILES = "The model tried to use a file outside its own folder and was stopped."
DETECTOR = "This model finds objects (it is a detector)."


class SeveralOutputs(UnsupportedModel):
    """Several outputs have one score per class. paths: the steps that lead to each, by name."""

    def __init__(self, paths: Mapping[str, Steps]) -> None:
        super().__init__(f"The model returns {len(paths)} outputs; export it with its class scores alone.")
        self.paths = dict(paths)


def answer(module: Any, tensor: Any) -> Any:
    """Return a module's scores (N, K) for (N, C, H, W); a VitrineError if it fails or is no classifier.

    TorchScript runs unoptimised: recompiling it for each batch size would take seconds. Warnings from a model's own
    code are ignored, since they are for its author.
    """
    with errors_in_words(tensor), torch.jit.optimized_execution(False), warnings.catch_warnings(action="ignore"):
        return rows(module(tensor)).float()


@contextmanager
def errors_in_words(tensor: Any) -> Iterator[None]:
    """Turn errors that PyTorch raises in a model run on `tensor` (N, C, H, W) into a sentence."""
    try:
        yield
    except (RuntimeError, torch.jit.Error, ValueError, LookupError, TypeError, AssertionError, MemoryError) as error:
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
    """Return d chosen / d leaf; zeros if the leaf has no effect. ModelError if there is no gradient."""
    return gradients(chosen, [leaf])[0]


def gradients(chosen: Any, leaves: list[Any]) -> list[Any]:
    """Return d chosen / d leaf for each leaf; zeros if it has no effect. ModelError if there is no gradient."""
    if not chosen.requires_grad:
        raise ModelError(NO_GRADIENT)
    try:
        slopes = torch.autograd.grad(chosen, leaves, allow_unused=True)
    except (RuntimeError, MemoryError) as error:
        _check_memory(error, len(leaves[0]))
        raise ModelError(NO_GRADIENT) from error
    return [torch.zeros_like(leaf) if slope is None else slope for leaf, slope in zip(leaves, slopes, strict=True)]


def _check_memory(error: Exception, pictures: int) -> None:
    if is_of_memory(error):
        raise ran_out(pictures) from None


def rows(output: Any) -> Any:
    """Return the scores (N, K) from what a module returned; UnsupportedModel if that is no classifier's answer."""
    tensor = output if isinstance(output, torch.Tensor) else _chosen(output)
    if tensor.dim() > 2 and not tensor.is_floating_point():
        raise UnsupportedModel(LABELS_ONLY)
    while tensor.dim() > 2 and tensor.shape[-1] == 1:
        tensor = tensor.squeeze(-1)
    if tensor.dim() == 1:
        tensor = tensor[:, None]
    if tensor.dim() == 4:
        raise TryAsSegmenter(SEGMENTATION)
    if tensor.dim() != 2:
        shape = "x".join(map(str, tensor.shape)) or "a single number"
        raise UnsupportedModel(f"A classifier returns one row of scores a picture; this model returned {shape}.")
    return tensor


def _chosen(output: Any) -> Any:
    if not isinstance(output, Mapping | list | tuple):
        raise UnsupportedModel(f"A classifier returns a tensor; this model returned {type(output).__name__[:40]}.")
    if any(isinstance(part, Mapping) and "boxes" in part for part in _parts(output)):
        raise TryAsDetector(DETECTOR)
    outputs = outputs_of(output)
    score_rows = {name: steps for name, (steps, tensor) in outputs.items() if _is_row(tensor)}
    if len(score_rows) > 1:
        raise SeveralOutputs(score_rows)
    names = [*score_rows, *(outputs if len(outputs) == 1 else ()), *(name for name in LOGITS if name in outputs)]
    if not names:
        raise UnsupportedModel(f"The model returns {len(outputs)} outputs; export it with its class scores alone.")
    return outputs[names[0]][1]


def outputs_of(output: Any, name: str = "", steps: Steps = ()) -> dict[str, tuple[Steps, Any]]:
    """Return the tensors of numbers in what a module returned, by name, with the steps that lead to each."""
    if isinstance(output, torch.Tensor):
        return {name or "output": (steps, output)} if output.is_floating_point() else {}
    found: dict[str, tuple[Steps, Any]] = {}
    for step, part_name, part in _named_parts(output):
        found |= outputs_of(part, f"{name}.{part_name}" if name else part_name, (*steps, step))
    return found


def _named_parts(output: Any) -> Iterator[tuple[int | str, str, Any]]:
    if isinstance(output, Mapping):
        yield from ((key, str(key), part) for key, part in output.items() if isinstance(key, int | str))
    elif isinstance(output, list | tuple):
        names = getattr(output, "_fields", range(len(output)))
        yield from ((at, str(name), part) for at, (name, part) in enumerate(zip(names, output, strict=True)))


def _parts(output: Any) -> list[Any]:
    return [] if isinstance(output, Mapping) else list(output)


def _is_row(tensor: Any) -> bool:
    """Whether a tensor is one score per class, (N, K), with or without further sides of 1, or a single one, (N)."""
    return bool(tensor.dim() > 0 and sum(size != 1 for size in tensor.shape[1:]) <= 1)
