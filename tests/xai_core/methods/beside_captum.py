"""Run in a process of its own: the same explanations by Vitrine and by captum, of a small smooth network.

python beside_captum.py OUT.npz writes arrays "NAME ours" and "NAME captum".
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from captum import attr

from model_adapters.pytorch.network import TorchNetwork
from xai_core.method import Method
from xai_core.methods.integrated_gradients import IntegratedGradients
from xai_core.methods.occlusion import Occlusion
from xai_core.methods.saliency import Saliency
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, InputSpec

SIDE, TARGET = 32, 3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def smooth_network() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 8, 5, 2), torch.nn.Softplus(), torch.nn.Conv2d(8, 8, 5, 2), torch.nn.Softplus()]
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(8 * 25, 5)).eval()


class FromPictures(torch.nn.Module):
    """The network with its preprocessing inside, so that captum too starts from pictures; answers with logits."""

    def __init__(self, network: torch.nn.Module, probabilities: bool) -> None:
        super().__init__()
        self.network, self.probabilities = network, probabilities

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        logits = self.network((pictures - mean) / std)
        return torch.softmax(logits, 1) if self.probabilities else logits


def by_captum(network: torch.nn.Module, planes: torch.Tensor) -> dict[str, torch.Tensor]:
    logits, probabilities = (FromPictures(network, p) for p in (False, True))
    window = {"sliding_window_shapes": (3, 8, 8), "strides": (3, 4, 4), "target": TARGET}
    path = {"n_steps": 50, "method": "gausslegendre", "target": TARGET}
    grey = torch.full_like(planes, 0.5)
    return {
        "saliency": attr.Saliency(logits).attribute(planes, target=TARGET).amax(1),
        "black path": attr.IntegratedGradients(logits).attribute(planes, **path).sum(1),
        "white path": attr.IntegratedGradients(probabilities).attribute(planes, torch.ones_like(planes), **path).sum(1),
        "logit occluded": attr.Occlusion(logits).attribute(planes, **window)[:, 0],
        "probability occluded": attr.Occlusion(probabilities).attribute(planes, baselines=grey, **window)[:, 0],
    }


def by_vitrine(network: torch.nn.Module, image: np.ndarray) -> dict[str, np.ndarray]:
    card = Card("PyTorch", "in memory", 5, InputSpec(SIDE, SIDE), Capability.PREDICT | Capability.GRADIENT)
    model = Model(TorchNetwork(network, card), Preprocessing(SIDE, SIDE, mean=MEAN, std=STD))
    methods: dict[str, Method] = {
        "saliency": Saliency(),
        "black path": IntegratedGradients(steps=50),
        "white path": IntegratedGradients(steps=50, baseline="white", score="probability"),
        "logit occluded": Occlusion(patch=8, stride=4, fill="black", score="logit"),
        "probability occluded": Occlusion(patch=8, stride=4, fill="grey", score="probability"),
    }
    return {name: list(m.explain(model, image, np.array([TARGET])))[-1].maps for name, m in methods.items()}


def main() -> None:
    torch.set_num_threads(1)
    network = smooth_network()
    image = np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].clone()
    captum = {f"{name} captum": map_.detach().numpy() for name, map_ in by_captum(network, planes).items()}
    np.savez(sys.argv[1], **captum, **{f"{name} ours": map_ for name, map_ in by_vitrine(network, image).items()})


if __name__ == "__main__":
    main()
