"""Adapters for tests: the file's first words say how its model behaves. Only workers import this module."""

import importlib
import os
import time
from pathlib import Path

import numpy as np

from xai_core.errors import OutOfMemory, RefusedModel
from xai_core.types import Capability, Card, Engine, FileKind, InputSpec, Network


def inspect(source):
    words = Path(source.path).read_text()
    if words.startswith("refuse"):
        raise RefusedModel("The file is empty.")
    return FileKind("torchscript" if words.startswith("script") else "onnx", "onnx", ("A note.",))


def import_framework(framework):
    importlib.import_module("fake_methods")


def load(source, kind, scratch):
    words = Path(source.path).read_text()
    if words.startswith("break"):
        raise ValueError(f"A secret path: {__file__}")
    while words.startswith("endless"):
        time.sleep(0.01)
    return Tiny(words)


class Tiny(Network):
    """Three scores, the mean of each colour; the bad manners are the tests'."""

    def __init__(self, words):
        self.words = words
        notes = (f"process {os.getpid()}",)
        can = Capability.PREDICT | Capability.RANDOMISATION
        self.card = Card("onnx", "onnx", 3, InputSpec(None, None), can, labels=("a", "b", "c"), notes=notes)
        self.shift = 0.0

    def forward(self, inputs):
        if self.words.startswith("fail"):
            raise ValueError(f"A secret path: {__file__}")
        if self.words.startswith("hungry"):
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        if self.words.startswith("die"):
            os._exit(3)
        while self.words.startswith("hang"):
            time.sleep(0.01)
        if self.words.startswith("roomless") and len(inputs) > 1:
            raise OutOfMemory("Too many pictures.")
        return inputs.mean(axis=(1, 2)).astype(np.float32) + self.shift

    def engines(self, height, width, own=None):
        if self.words.startswith("slow"):
            time.sleep(2.5)
        return (Engine("Fake", "float32", 0.0, 1.0, float(height * width), True),)

    def randomised(self, seed):
        other = Tiny(self.words)
        other.shift, other.key = float(seed), f"random {seed}"
        return other

    def at(self, precision):
        other = Tiny(self.words)
        other.shift = self.shift + (0.5 if precision == "bfloat16" else 0.0)
        other.key = f"{self.key} {precision}"
        return other

    def by_peer(self, library, method, values, preprocessing, image, targets):
        return np.full((len(targets), 1, 1), len(library) + values["steps"], np.float32)
