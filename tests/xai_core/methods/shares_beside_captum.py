"""Run in a process of its own: Shapley values of superpixels by Vitrine and by captum, of a small smooth network.

python shares_beside_captum.py OUT.npz writes arrays "NAME ours", "NAME captum" and "NAME error".
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from captum import attr

from model_adapters.pytorch.network import TorchNetwork
from xai_core.families.segments import Segments
from xai_core.methods.kernel_shap import KernelShap
from xai_core.methods.shapley import Shapley
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, Estimate, InputSpec

SIDE, TARGET = 32, 3


def smooth_network() -> torch.nn.Module:
    """A network whose probabilities are alike for a grey picture and far apart for others, so that parts interact."""
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 8, 5, 2), torch.nn.Softplus(), torch.nn.Conv2d(8, 8, 5, 2), torch.nn.Softplus()]
    network = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(8 * 25, 5)).eval()
    with torch.no_grad():
        network[-1].weight *= 80
        network[-1].bias -= network(torch.full((1, 3, SIDE, SIDE), 0.5))[0]
    return network


def ours(network, image, method) -> Estimate:
    card = Card("PyTorch", "in memory", 5, InputSpec(SIDE, SIDE), Capability.PREDICT)
    model = Model(TorchNetwork(network, card), Preprocessing(SIDE, SIDE))
    return list(method.explain(model, image, np.array([TARGET])))[-1]


def by_captum(kind, network, image, cells, **settings) -> np.ndarray:
    torch.manual_seed(0)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].clone()
    labels = torch.from_numpy(Segments.grid((SIDE, SIDE), cells, cells).labels)[None, None]
    grey = torch.full_like(planes, 0.5)
    explained = kind(lambda pictures: torch.softmax(network(pictures), 1))
    with torch.no_grad():
        maps = explained.attribute(planes, grey, TARGET, feature_mask=labels, **settings)
    return maps[:, 0].numpy()


def main() -> None:
    torch.set_num_threads(1)
    network = smooth_network()
    image = np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32)
    image[8:20, 4:18] *= 0.2
    squares = {"superpixels": "grid", "fill": "grey"}
    exact = ours(network, image, KernelShap(**squares, count=4, samples=50))
    drawn = ours(network, image, KernelShap(**squares, count=16, samples=3000, batch_size=64, stop_at_noise=0.0))
    orders = ours(network, image, Shapley(grid=4, permutations=100, fill="grey", batch_size=64, stop_at_noise=0.0))
    regression = by_captum(attr.KernelShap, network, image, 4, n_samples=3000, perturbations_per_eval=64)
    sampled = by_captum(attr.ShapleyValueSampling, network, image, 4, n_samples=200, perturbations_per_eval=16)
    np.savez(
        sys.argv[1],
        **{
            "exact ours": exact.maps,
            "exact captum": by_captum(attr.ShapleyValues, network, image, 2),
            "drawn ours": drawn.maps,
            "drawn error": drawn.standard_error,
            "drawn captum": regression,
            "orders ours": orders.maps,
            "orders error": orders.standard_error,
            "orders captum": sampled,
        },
    )


if __name__ == "__main__":
    main()
