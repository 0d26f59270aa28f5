"""Run in a process of its own: the same explanations by Vitrine and, through it, by PyTorch libraries.

python beside_torch_peers.py OUT.npz writes arrays "LIBRARY METHOD ours" and "LIBRARY METHOD theirs", and "unchanged".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

import xai_core.methods  # noqa: F401 - enters them in METHODS
from model_adapters.pytorch.network import TorchNetwork
from xai_core.families.cam import first_component
from xai_core.method import METHODS
from xai_core.model import Model
from xai_core.pictures.resampling import resized
from xai_core.preprocessing import Preprocessing
from xai_core.trust.peers import PEERS
from xai_core.types import Capability, Card, InputSpec

SIDE, TARGETS = 32, np.array([3, 1])
ALL = {"stop_at_noise": 0.0}  # samples are drawn
PLAIN = {
    "smoothgrad": {"samples": 300, "noise": 0.05, **ALL},
    "vargrad": {"samples": 300, "noise": 0.05, **ALL},
    "squaregrad": {"samples": 300, "noise": 0.05, **ALL},
    "gradient_shap": {"samples": 300, "baselines": "colours", **ALL},
    "integrated_gradients": {"steps": 200},
    "deeplift": {"baseline": "grey"},
    "occlusion": {"patch": 8, "stride": 4, "fill": "grey"},
    "lime": {"superpixels": "grid", "count": 9, "samples": 500, "fill": "grey", "score": "logit", **ALL},
    "kernel_shap": {"superpixels": "grid", "count": 9, "samples": 1000, "fill": "mean", "score": "logit", **ALL},
    "shapley": {"grid": 3, "permutations": 100, "score": "logit", **ALL},
    "lrp": {"rule": "gamma"},
    "hirescam": {"positive_only": True},
}


def small_network() -> nn.Module:
    torch.manual_seed(0)
    first = [nn.Conv2d(3, 8, 5, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 12, 3), nn.ReLU(inplace=True)]
    last = [nn.Conv2d(12, 12, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12 * 25, 5)]
    return nn.Sequential(*first, *last)


def model_of(module: nn.Module, batch: int | None = None) -> Model:
    able = Capability.PREDICT | Capability.GRADIENT
    network = TorchNetwork(module, Card("pytorch", "in memory", 5, InputSpec(SIDE, SIDE, batch=batch), able))
    network.look_inside(SIDE)
    look = Preprocessing(SIDE, SIDE, channels="BGR", scale=255.0, mean=(103.9, 116.8, 123.7), std=(58.0, 57.0, 57.0))
    return Model(network, look)


def both(
    model: Model, image: np.ndarray, library: str, method_id: str, **given: object
) -> Iterator[tuple[str, np.ndarray]]:
    made = METHODS[method_id].suited(model.card, model.input_size, given)
    theirs = model._network.by_peer(library, method_id, made.values(), model.preprocessing, image, TARGETS)
    yield f"{library} {method_id} ours", list(made.explain(model, image, TARGETS))[-1].maps
    yield f"{library} {method_id} theirs", resized(theirs, model.input_size)


def turned(model: Model, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return our Eigen-CAM and Eigen-Grad-CAM with the component's sign the other way."""
    layer = model.card.layers[-1].name
    values, gradients = model.layer_gradients(image, TARGETS, "logit", layer)
    plain = [first_component(values, towards=-(values**2).sum(axis=-1))] * len(TARGETS)
    weighed = [first_component(one, towards=-one.sum(axis=-1)) for one in values * gradients]
    maps = {"eigen_cam": plain, "eigen_grad_cam": weighed}
    return {
        f"{method_id} turned": resized(np.maximum(np.stack(ms), 0), model.input_size) for method_id, ms in maps.items()
    }


def main() -> None:
    torch.set_num_threads(1)
    module = small_network()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    model, single = model_of(module), model_of(small_network(), batch=1)
    image = np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32)
    found: dict[str, np.ndarray] = {}
    for peer in PEERS:
        if "pytorch" in peer.frameworks:
            for method_id in peer.methods:
                found |= dict(both(model, image, peer.library, method_id, **PLAIN.get(method_id, {})))
    found |= turned(model, image)
    for rule in ("epsilon", "alpha_beta"):
        found |= {f"{rule} {key}": map_ for key, map_ in both(model, image, "zennit", "lrp", rule=rule)}
    found |= {
        f"one at a time {key}": map_ for key, map_ in both(single, image, "captum", "occlusion", patch=8, stride=8)
    }
    changed = [name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])]
    hooks = [
        part for part in module.modules() if part._forward_hooks or part._backward_hooks or part._forward_pre_hooks
    ]
    np.savez(sys.argv[1], unchanged=not changed and not hooks, **found)


if __name__ == "__main__":
    main()
