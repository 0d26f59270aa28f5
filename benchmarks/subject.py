"""What all sides explain: MobileNetV2 from the samples and a ResNet-50 at 224 pixels, and a photo of a cat."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np

import model_adapters
from benchmarks.rounds import Side
from model_adapters.engines.choice import WithEngines
from vitrine.samples import sample_models, sample_photos
from xai_core.method import Method
from xai_core.model import Model
from xai_core.network import Network
from xai_core.preprocessing import presets
from xai_core.types import Estimate, Floats, ModelSource, Precision

SIDE = 224
TABBY = 281
TARGETS = np.array([TABBY])
PREPROCESSING = presets(SIDE, SIDE)["ImageNet mean/std"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
NETWORKS = ("MobileNetV2", "ResNet-50")
SEEDS = count()  # a new one for each run, so that nothing is remembered from the previous run


def sample(framework: str) -> ModelSource:
    """Return the MobileNetV2 sample in a framework's format."""
    return next(m for m in sample_models() if m.framework == framework).source()


def torch_source(network: str, folder: str) -> ModelSource:
    """Return a PyTorch file of a network; ResNet-50's weights are random, which takes the same time as trained ones."""
    if network == "MobileNetV2":
        return sample("PyTorch")
    import torch
    import torchvision

    torch.manual_seed(0)
    path = Path(folder) / "resnet50.pth"
    torch.save(torchvision.models.resnet50().state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ModelSource(str(path), path.name, digest, "torchvision/resnet50")


def opened(source: ModelSource) -> WithEngines:
    """Open a model through its adapter, in this process, and find its engines."""
    network = model_adapters.load(source, model_adapters.inspect(source), tempfile.mkdtemp())
    assert isinstance(network, WithEngines)
    for engine in network.engines(SIDE, SIDE):
        print(engine, file=sys.stderr)
    return network


def as_their_user_has_it(source: ModelSource, network: str) -> object:
    """Return torchvision's module with the weights of a source, as users of other libraries build it."""
    import torch
    import torchvision

    name = {"MobileNetV2": "mobilenet_v2", "ResNet-50": "resnet50"}[network]
    module = torchvision.models.get_model(name)
    module.load_state_dict(torch.load(source.path, weights_only=True))
    return module.eval()


def photo() -> Floats:
    """Return the cat as the model sees it, (224, 224, 3)."""
    cat = next(r for r in sample_photos() if TABBY in r.classes)
    return PREPROCESSING.place(cat.picture().pixels)


def run(method: Method, network: Network) -> Estimate:
    """Run a method to its end, keeping one estimate at a time."""
    (estimate,) = deque(method.explain(Model(network, PREPROCESSING), photo(), TARGETS), maxlen=1)
    return estimate


def ours(method: Method, network: Network) -> dict[str, Side]:
    """Return a method's run in each precision."""
    return {precision: _run(method, network.at(precision)) for precision in PRECISIONS}


def forward_passes(network: Network, pictures: int, batch: int) -> dict[str, Side]:
    """Return bare forward passes of ready inputs in each precision."""
    return _passes(network, pictures, batch, lambda variant, inputs: variant.forward(inputs))


def backward_passes(network: Network, pictures: int, batch: int) -> dict[str, Side]:
    """Return bare backward passes of ready inputs in each precision."""

    def back(variant: Network, inputs: Floats) -> object:
        return variant.backward(inputs, np.repeat(TARGETS, len(inputs)), "logit")

    return _passes(network, pictures, batch, back)


def _run(method: Method, network: Network) -> Side:
    return lambda: run(method, network)


def _passes(network: Network, pictures: int, batch: int, ask: Callable[[Network, Floats], object]) -> dict[str, Side]:
    inputs = np.random.default_rng(0).standard_normal((batch, SIDE, SIDE, 3), np.float32)

    def run_passes(variant: Network) -> None:
        for start in range(0, pictures, batch):
            ask(variant, inputs[: min(batch, pictures - start)])

    def side(precision: Precision) -> Side:
        variant = network.at(precision)
        return lambda: run_passes(variant)

    return {precision: side(precision) for precision in PRECISIONS}
