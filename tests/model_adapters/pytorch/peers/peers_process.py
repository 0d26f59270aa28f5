"""Asks real libraries about networks that they are not made for, and writes down what came of it.

They are not to be imported where other tests look for them, so tests start this: `peers_process.py OUT.json`.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module

import numpy as np
import torch
from torch import nn

import xai_core.methods  # noqa: F401 - enters them in METHODS
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.peers.compare import LIBRARIES
from model_adapters.pytorch.program import program_of
from xai_core.errors import ModelError
from xai_core.method import METHODS
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, InputSpec

SIDE = 16
IMAGE = np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32)
BY_MODULES = {
    "captum": ("deconvnet", "guided_backprop", "guided_grad_cam", "deeplift"),
    "zennit": ("lrp",),
}


def layers(last_affine: bool = True) -> nn.Module:
    torch.manual_seed(0)
    first = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU()]
    second = [nn.Conv2d(6, 6, 3), nn.BatchNorm2d(6, affine=last_affine), nn.ReLU()]
    module = nn.Sequential(*first, *second, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))
    module[1].running_var.copy_(torch.linspace(0.5, 2, 6))
    return module.eval()


def program() -> nn.Module:
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        return program_of(torch.jit.script(layers()))


def network(module: nn.Module) -> TorchNetwork:
    able = Capability.PREDICT | Capability.GRADIENT
    made = TorchNetwork(module, Card("pytorch", "in memory", 5, InputSpec(SIDE, SIDE), able))
    made.look_inside(SIDE)
    return made


def asked(one: TorchNetwork, library: str, method: str) -> np.ndarray:
    return one.by_peer(library, method, METHODS[method]().values(), Preprocessing(SIDE, SIDE), IMAGE, np.array([2]))


def said(one: TorchNetwork, library: str, method: str) -> str:
    try:
        asked(one, library, method)
    except ModelError as error:
        return str(error)
    return ""


def main() -> None:
    odd = network(layers(last_affine=False))
    before = odd.forward(IMAGE[None])
    failed = said(odd, "zennit", "lrp")
    sealed = network(program())
    maps = [asked(one, "pytorch-grad-cam", "grad_cam") for one in (sealed, network(layers()))]
    found = {
        "odd normalisation": failed,
        "its scores stay": np.array_equal(odd.forward(IMAGE[None]), before),
        "by modules": {f"{a} {b}": said(sealed, a, b) for a, names in BY_MODULES.items() for b in names},
        "methods": {library: sorted(import_module(module).METHODS) for library, module in LIBRARIES.items()},
        "grad-cam": [found.tolist() for found in maps],
    }
    with open(sys.argv[1], "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
