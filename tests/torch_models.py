"""Networks of PyTorch that tests look into."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.network import TorchNetwork
from xai_core.types import Capability, Card, InputSpec


def network_of(module, size, batch=None, channels_last=False):
    """Return the network around a module for pictures of `size`, a side or (height, width) in pixels."""
    height, width = (size, size) if isinstance(size, int) else size
    with torch.no_grad():
        classes = module.eval()(torch.zeros(batch or 1, 3, height, width)).shape[1]
    spec = InputSpec(height, width, batch=batch)
    card = Card("pytorch", "torch-weights", classes, spec, Capability.PREDICT | Capability.GRADIENT)
    network = TorchNetwork(module, card, channels_last)
    network.look_inside(height)
    return network


def vit_on_mnist(assets):
    """Return torchvision's VisionTransformer as it was trained on MNIST."""
    vit = import_torchvision_models().VisionTransformer(28, 4, 4, 4, 64, 128, num_classes=10)
    vit.load_state_dict(torch.load(assets / "models/torch/vit_mnist_torchvision.pth", weights_only=True))
    return vit


def pictures(count, height, width=None, channels=3):
    shape = (count, height, width or height, channels)
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def digest(module):
    """Return a digest of all weights and buffers, and of the hooks that are left on a module."""
    found = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        found.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    hooks = [(name, len(part._forward_hooks), len(part._forward_pre_hooks)) for name, part in module.named_modules()]
    found.update(repr([hook for hook in hooks if any(hook[1:])]).encode())
    return found.hexdigest()
