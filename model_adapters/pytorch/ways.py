"""Find by trial which other backward passes a PyTorch network supports."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from model_adapters.pytorch.answers import answer, gradient
from model_adapters.pytorch.propagation import relevance
from model_adapters.pytorch.randomised import last_layers, occurrences, randomised, tensors_of
from model_adapters.pytorch.rules import activations_of, way_back
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.types import Capability, Card, Propagation

WAYS = Capability.BACKWARD_RULES | Capability.RESCALE | Capability.PROPAGATION | Capability.RANDOMISATION
SEALED = "TorchScript keeps its inner functions sealed. Use the weights alone (a state dict), or ONNX."
NO_LOGIT = (
    "this network ends in probabilities, and its logits are not accessible. Export it with its class scores (logits)."
)
FAILED = "it did not work on a trial picture. Choose a method that needs gradients or predictions only."
SHARED = "the last layer's weights could not be identified. Choose a different check."
ENOUGH = 96  # pixels per side
TRIALS = Propagation("epsilon")
CLOSE = 1e-3  # of the greatest score; a batch normalisation merged with its layer rounds differently


@dataclass(frozen=True)
class Ways:
    """What a network offers besides the gradient. missing: the reason for each missing capability."""

    capabilities: Capability
    missing: Mapping[str, str]
    notes: tuple[str, ...]


def ways_of(module: Any, tensor: Any, card: Card) -> Ways:
    """Try a module on `tensor` (N, C, H, W), or on a part of it if the size is free; never fails."""
    tensor = _part(module, tensor, card)
    capabilities, missing, notes = Capability(0), {}, []
    for capability, trial in TRIED.items():
        reason, note = _outcome(lambda trial=trial: trial(module, tensor, card))  # type: ignore[misc]
        if reason:
            missing[capability.name or ""] = reason
        else:
            capabilities |= capability
            notes += [note] if note else []
    return Ways(capabilities, missing, tuple(notes))


def _part(module: Any, tensor: Any, card: Card) -> Any:
    """Return the smallest picture that works, since every trial costs several passes."""
    part = tensor[:, :, :ENOUGH, :ENOUGH].contiguous()
    if card.input.height is None and card.input.width is None:
        with contextlib.suppress(ModelError), torch.no_grad():
            if answer(module, part.clone()).isfinite().all():
                return part
    return tensor


def _outcome(trial: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """Return the reason why a trial failed, or "", and a note, or ""."""
    try:
        return trial()
    except UnsupportedModel as error:
        return str(error), ""
    except Exception:  # a model's own code may do anything; it still has its gradients
        return FAILED, ""


def _rules(module: Any, tensor: Any, card: Card) -> tuple[str, str]:
    with torch.no_grad():
        activations = activations_of(lambda: answer(module, tensor.clone()))
    return activations.reason, activations.note


def _rescale(module: Any, tensor: Any, card: Card) -> tuple[str, str]:
    if isinstance(module, torch.jit.ScriptModule):
        return SEALED, ""
    with torch.enable_grad():
        leaf = tensor.clone().requires_grad_()
        forth, _ = way_back("rescale", lambda: answer(module, 0 * tensor))
        with forth:
            chosen = answer(module, leaf.clone())[:, 0].sum()
        slopes = gradient(chosen, leaf)
    return "" if slopes.isfinite().all() else FAILED, ""


def _propagation(module: Any, tensor: Any, card: Card) -> tuple[str, str]:
    if card.gives == "probability":
        return NO_LOGIT, ""
    if isinstance(module, torch.jit.ScriptModule):
        return SEALED, ""
    targets = torch.zeros(len(tensor), dtype=torch.int64, device=tensor.device)
    followed: list[Any] = []

    def ask(part: Any) -> Any:
        followed.append(answer(module, part))
        return followed[-1]

    shares = relevance(ask, tensor, targets, TRIALS)
    alike = _alike(followed[0].detach(), module, tensor)
    return "" if alike and shares.isfinite().all() else FAILED, ""


def _alike(scores: Any, module: Any, tensor: Any) -> bool:
    """Whether scores (N, K) equal those that a module gives without interception."""
    with torch.no_grad():
        expected = answer(module, tensor.clone())
    return bool(torch.allclose(scores, expected, rtol=0, atol=CLOSE * float(expected.abs().max())))


def _randomisation(module: Any, tensor: Any, card: Card) -> tuple[str, str]:
    old, new = (tensors_of(each) for each in (module, randomised(module, card.classes, 0)))
    for name in last_layers(module, card.classes):
        alone = isinstance(module, torch.jit.ScriptModule) or occurrences(module, old[name]) == 1
        if not alone or torch.equal(old[name], new[name]):
            return SHARED, ""
    return "", ""


TRIED = {
    Capability.BACKWARD_RULES: _rules,
    Capability.RESCALE: _rescale,
    Capability.PROPAGATION: _propagation,
    Capability.RANDOMISATION: _randomisation,
}
