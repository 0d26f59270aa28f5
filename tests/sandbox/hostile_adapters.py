"""Adapters that do what a hostile model might do; the file holds the name of the attack. Only workers import this."""

import importlib
from pathlib import Path

import attacks
import numpy as np

from xai_core.types import Capability, Card, FileKind, InputSpec, Network


def inspect(source):
    return FileKind("onnx", "onnx")


def import_framework(framework):
    importlib.import_module("lying_method")


def load(source, kind, scratch):
    name = Path(source.path).read_text()
    if blow := (attacks.BLOWS | attacks.ON_A_FULL_DISK).get(name):
        blow(source, scratch)
    return Hostile(tuple(tell(source, scratch)) if name == "every try" else ())


def tell(source, scratch):
    """Tell of each attack how it ended."""
    for name, attack in attacks.TRIES.items():
        try:
            attack(source, scratch)
        except Exception as error:
            yield f"{name}: {type(error).__name__}: {error}"
        else:
            yield f"{name}: it worked"


class Hostile(Network):
    """A network that answers well; the harm was done while it was loaded."""

    def __init__(self, notes):
        self.card = Card("onnx", "onnx", 3, InputSpec(None, None), Capability.PREDICT, notes=notes)

    def forward(self, inputs):
        return inputs.mean(axis=(1, 2)).astype(np.float32)
