"""Adapters that do what a hostile model might do; the file holds the name of the attack. Only workers import this."""

import importlib
from pathlib import Path

import attacks
import floods
import numpy as np
import tries_on_others

from xai_core.network import Network
from xai_core.types import Capability, Card, FileKind, InputSpec


def inspect(source):
    return FileKind("onnx", "onnx")


def import_framework(framework):
    importlib.import_module("lying_method")


BLOWS = attacks.BLOWS | attacks.ON_A_FULL_DISK | floods.FLOODS | floods.IDLE_FLOODS | floods.LEFTOVERS
BLOWS |= floods.HARMLESS_CARDS | floods.SLOW
LISTS = {
    "every try": attacks.TRIES,
    "every try on others": tries_on_others.TRIES_ON_OTHERS,
    "what is left open": tries_on_others.LEFT_OPEN,
}


def load(source, kind, scratch):
    return Hostile(act(Path(source.path).read_text(), source, scratch))


def act(words, source, scratch):
    """Do what the words name, and tell how it ended. They may be followed by a line with a victim's folder."""
    name, _, victim = words.partition("\n")
    if blow := BLOWS.get(name):
        blow(source, scratch)
    return tuple(tell(LISTS.get(name, {}), source, scratch, *filter(None, [victim])))


def tell(tries, *given):
    """Tell of each try how it ended."""
    for name, attack in tries.items():
        try:
            got = attack(*given)
        except Exception as error:
            yield f"{name}: {type(error).__name__}: {error}"
        else:
            yield f"{name}: it worked: {got}"


class Hostile(Network):
    """A network that answers well; the harm was done while it was loaded."""

    def __init__(self, notes):
        self.card = Card("onnx", "onnx", 3, InputSpec(None, None), Capability.PREDICT, notes=notes)

    def forward(self, inputs):
        return inputs.mean(axis=(1, 2)).astype(np.float32)
