"""What all sides explain: MobileNetV2 at 224 pixels and a photo of a cat, both from the samples."""

from __future__ import annotations

import tempfile
import time
from collections import deque

import model_adapters
from xai_core.method import Method
from xai_core.model import Model
from xai_core.preprocessing import presets
from xai_core.samples import SampleModel, references, sample_models
from xai_core.types import Estimate, Floats, Indices, Network, Score

SIDE = 224
TABBY = 281
PREPROCESSING = presets(SIDE, SIDE)["ImageNet mean/std"]


class TimedNetwork(Network):
    """A network that counts the seconds spent in it."""

    def __init__(self, network: Network) -> None:
        self.card = network.card
        self._network = network
        self._seconds = 0.0

    def forward(self, inputs: Floats) -> Floats:
        begun = time.perf_counter()
        raw = self._network.forward(inputs)
        self._seconds += time.perf_counter() - begun
        return raw

    def backward(self, inputs: Floats, targets: Indices, score: Score) -> Floats:
        begun = time.perf_counter()
        found = self._network.backward(inputs, targets, score)
        self._seconds += time.perf_counter() - begun
        return found

    def spent(self) -> float:
        """Return the seconds since the last call."""
        spent, self._seconds = self._seconds, 0.0
        return spent


def sample(framework: str) -> SampleModel:
    """Return the sample model of a framework, as samples.json names it."""
    return next(m for m in sample_models() if m.framework == framework)


def network(framework: str) -> TimedNetwork:
    """Open the sample model through its adapter, in this process."""
    source = sample(framework).source()
    kind = model_adapters.inspect(source)
    return TimedNetwork(model_adapters.load(source, kind, tempfile.mkdtemp()))


def photo() -> Floats:
    """Return the cat as the model sees it, (224, 224, 3)."""
    cat = next(r for r in references() if TABBY in r.classes)
    return PREPROCESSING.place(cat.picture().pixels)


def last(method: Method, model: Model, image: Floats, targets: Indices) -> Estimate:
    """Run a method to its end, keeping one estimate at a time."""
    (estimate,) = deque(method.explain(model, image, targets), maxlen=1)
    return estimate
