"""Adapters for tests: the file's first words say how its model behaves. Only workers import this module."""

import importlib
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from xai_core.detector import Detections, Detector
from xai_core.doing import tell
from xai_core.errors import OutOfMemory, RefusedModel
from xai_core.network import Network
from xai_core.types import Capability, Card, Engine, FileKind, InputSpec, Layer


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
    if words.startswith("talkative"):
        for layer in range(int(words.split()[1])):
            tell(f"building layer {layer}")
            time.sleep(0.3)
    while words.startswith("endless"):
        time.sleep(0.01)
    kind = Spotter if source.task == "detect" else Layered if words.startswith("layered") else Tiny
    return kind(words)


class Spotter(Detector):
    """Finds the left half of every picture, as sure as its red is bright; `many` finds it two thousand times."""

    def __init__(self, words):
        self.words = words
        self.card = Card("pytorch", "fake", 2, InputSpec(None, None), Capability.DETECT, notes=(words,))
        self.searches = 0

    def engines(self, height, width):
        self.searches += 1
        if self.words.startswith("searching") and self.searches == 1:
            time.sleep(3)
        while self.words.startswith("lost") or (self.words.startswith("straying") and self.searches > 1):
            time.sleep(0.01)
        return (Engine("Fake", "float32", 0.0, 1.0, float(height * width), True),)

    def detect(self, images, floor):
        found = []
        for image in images:
            score = float(image[..., 0].mean())
            count = 2000 if self.words.startswith("many") else int(score >= floor)
            height, width = image.shape[:2]
            corners = np.tile([0.0, 0.0, width / 2, height], (count, 1))
            if self.words.startswith("liar"):
                score = 3.0
            found.append(Detections.of(corners, np.ones(count), np.full(count, score), classes=2))
        return found


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
        other = type(self)(self.words)
        other.shift, other.key = float(seed), f"random {seed}"
        return other

    def at(self, precision):
        other = type(self)(self.words)
        other.shift = self.shift + (0.5 if precision == "bfloat16" else 0.0)
        other.key = f"{self.key} {precision}"
        return other

    def by_peer(self, library, method, values, preprocessing, image, targets):
        return np.full((len(targets), 1, 1), len(library) + values["steps"], np.float32)


class Layered(Tiny):
    """Its layer has the colours of the left and of the right half, two places; the slope towards a class is its own."""

    def __init__(self, words):
        super().__init__(words)
        can = self.card.capabilities | Capability.ACTIVATIONS
        self.card = replace(self.card, capabilities=can, layers=(Layer("halves", 1, 2, 3),))

    def layer_gradients(self, inputs, targets, score, layer):
        halves = np.split(inputs, [inputs.shape[2] // 2], axis=2)
        values = np.stack([half.mean(axis=(1, 2)) for half in halves], axis=1)[:, None].astype(np.float32)
        slopes = np.broadcast_to(np.eye(3, dtype=np.float32)[targets][:, None, None] / 2, values.shape)
        return values, slopes
