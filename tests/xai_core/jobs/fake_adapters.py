"""Adapters for tests: the file's first words say how its model behaves. Only workers import this module."""

import importlib
import os
import time
from pathlib import Path

import numpy as np

from xai_core.errors import RefusedModel
from xai_core.types import Capability, Card, FileKind, InputSpec, Network


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
        self.card = Card(
            "onnx", "onnx", 3, InputSpec(None, None), Capability.PREDICT, labels=("a", "b", "c"), notes=notes
        )

    def forward(self, inputs):
        if self.words.startswith("fail"):
            raise ValueError(f"A secret path: {__file__}")
        if self.words.startswith("hungry"):
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        if self.words.startswith("die"):
            os._exit(3)
        while self.words.startswith("hang"):
            time.sleep(0.01)
        return inputs.mean(axis=(1, 2)).astype(np.float32)
