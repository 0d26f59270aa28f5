"""PyTorch: Grad-CAM and Eigen-CAM beside pytorch-grad-cam, at the same layer.

Run by `python -m benchmarks`; prints JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial

import torch
from pytorch_grad_cam import EigenCAM, GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from benchmarks import subject
from benchmarks.rounds import Contest, held
from benchmarks.subject import PREPROCESSING, TABBY, TARGETS, photo
from xai_core.methods.eigen_cam import EigenCam
from xai_core.methods.grad_cam import GradCam
from xai_core.network import Network

LAST = {"MobileNetV2": lambda module: module.features[-1], "ResNet-50": lambda module: module.layer4[-1]}


def contests(name: str, network: Network, module: torch.nn.Module) -> list[Contest]:
    layer = network.card.layers[-1].name
    inputs = PREPROCESSING.normalise(photo()[None])
    planes = torch.from_numpy(inputs).permute(0, 3, 1, 2).contiguous()
    wanted = [ClassifierOutputTarget(TABBY)]
    graded, plain = (kind(model=module, target_layers=[LAST[name](module)]) for kind in (GradCAM, EigenCAM))
    back = partial(network.layer_gradients, inputs, TARGETS, "logit", layer)
    forth = partial(network.activations, inputs, layer)
    pairs = [
        ("Grad-CAM", GradCam(layers=(layer,)), graded, back),
        ("Eigen-CAM", EigenCam(layers=(layer,)), plain, forth),
    ]
    return [
        Contest(
            work,
            name,
            "pytorch-grad-cam",
            partial(theirs, input_tensor=planes, targets=wanted),
            {"float32": partial(subject.run, method, network)},
            {"float32": floor},
            {},
        )
        for work, method, theirs, floor in pairs
    ]


def main() -> None:
    name, rounds = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        source = subject.torch_source(name, folder)
        module = subject.as_their_user_has_it(source, name)
        network = subject.opened(source)
        rows = [row for contest in contests(name, network, module) for row in held(contest, 4 * rounds)]
    print(json.dumps([row.to_json() for row in rows]))


if __name__ == "__main__":
    main()
