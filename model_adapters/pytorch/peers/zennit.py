"""Relevance propagation by zennit, from a question and a class to a map (H, W)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from zennit.attribution import Gradient
from zennit.composites import LayerMapComposite, layer_map_base
from zennit.rules import AlphaBeta, Epsilon, Gamma
from zennit.types import Convolution

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.peers.compare import FromPictures, Question
from model_adapters.pytorch.relevance import STABILISER
from xai_core.types import Floats


def _lrp(question: Question, target: int) -> Floats:
    """Propagate to the network's inputs, since zennit has no rule for the preprocessing."""
    question.check_parts("zennit", (Convolution, torch.nn.Linear), "convolutions and dense layers")
    import_torchvision_models()
    from zennit.torchvision import ResNetCanonizer

    composite = LayerMapComposite(layer_map_base() + _rules(question.values), canonizers=[ResNetCanonizer()])
    inputs = question.module.inputs(question.picture).detach()

    def chosen(scores: Any) -> Any:
        share = torch.zeros_like(scores)
        share[:, target] = scores.detach()[:, target]
        return share

    with Gradient(_FromInputs(question.module), composite) as attributor:
        _, relevance = attributor(inputs, chosen)
    return np.asarray(relevance[0].sum(0).detach().cpu().numpy(), np.float32)


class _FromInputs(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, whole: FromPictures) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, inputs: Any) -> Any:
        return self.whole.outputs(inputs)


def _rules(values: Any) -> list[tuple[Any, Any]]:
    rule, alpha = values["rule"], float(values["alpha"])
    least = float(values["epsilon"]) if rule == "epsilon" else STABILISER
    convolution = {
        "epsilon": lambda: Epsilon(least),
        "gamma": lambda: Gamma(float(values["gamma"])),
        "alpha_beta": lambda: AlphaBeta(alpha, alpha - 1),
    }[rule]()
    return [(Convolution, convolution), (torch.nn.Linear, Epsilon(least))]


METHODS = {"lrp": _lrp}
