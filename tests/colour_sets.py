"""Sets of pictures of one strong colour each, and a model that says how much of each colour a picture has."""

from __future__ import annotations

import io

import numpy as np

from xai_core.bias.pictures_in import read_picture_set
from xai_core.jobs.base import Job, Status
from xai_core.preprocessing import Preprocessing
from xai_core.services.preparation import Prepared
from xai_core.types import Capability, Card, InputSpec, ModelSource

SOURCE = ModelSource("path", "colours.onnx", "ab" * 32)
COLOURS = ("red", "green", "blue")


class ColourRunner:
    """Says how much of each colour a picture has; keeps the number of pictures of each request.

    before: called with each request, before it is answered.
    """

    def __init__(self, before=lambda: None, answer=lambda means: means / means.sum(axis=1, keepdims=True)):
        self.asked, self._before, self._answer = [], before, answer

    def ask(self, source, question, asker=""):
        self._before()
        images = question.images
        self.asked.append(len(images))
        job = Job(cancel=lambda: None)
        job.update(status=Status.DONE, latest=self._answer(images.mean(axis=(1, 2))).astype(np.float32))
        return job


def prepared(labels=COLOURS, source=SOURCE, **preprocessing):
    card = Card("a fake", "colours", len(labels), InputSpec(8, 8), Capability.PREDICT)
    return Prepared(source, card, (), Preprocessing(8, 8, **preprocessing), tuple(labels))


def coloured(count, seed=0):
    """Pictures of one strong colour each, and which it is."""
    classes = np.random.default_rng(seed).integers(0, 3, count)
    pixels = np.full((count, 8, 8, 3), 20, np.uint8)
    pixels[np.arange(count), :, :, classes] = 200
    return pixels, classes


def picture_set(count=40, labels=COLOURS, seed=0):
    pixels, classes = coloured(count, seed)
    buffer = io.BytesIO()
    np.savez(
        buffer, x=pixels, y=np.array(labels)[classes % len(labels)], sex=np.array(["f", "m"])[np.arange(count) % 2]
    )
    return read_picture_set(buffer.getvalue(), "colours")
