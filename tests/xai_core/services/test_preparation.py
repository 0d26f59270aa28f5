from __future__ import annotations

import numpy as np
import pytest

from xai_core.errors import RefusedModel, WorkerDied
from xai_core.jobs.base import Job, Status
from xai_core.jobs.sentences import STOPPED
from xai_core.pictures.files import Picture
from xai_core.services.preparation import prepare, prepare_in_background
from xai_core.types import Capability, Card, InputSpec, ModelSource

SOURCE = ModelSource("path", "name", "digest")
CARD = Card("onnx", "onnx", 3, InputSpec(32, 32), Capability.PREDICT)
SECONDS = 120


class InstantRunner:
    """Opens and answers at once; `error` is raised instead of opening."""

    def __init__(self, error=None):
        self.error, self.asked = error, []

    def open(self, source):
        if self.error:
            raise self.error
        return self._done(CARD)

    def ask(self, source, question, asker=""):
        self.asked.append(len(question.images))
        means = np.exp(question.images.mean(axis=(1, 2)))
        return self._done(means / means.sum(axis=1, keepdims=True))

    def _done(self, latest):
        job = Job(cancel=lambda: None)
        job.update(status=Status.DONE, latest=latest)
        return job


def pictures_of(count):
    noise = np.random.default_rng(0).integers(0, 255, (count, 32, 32, 3), np.uint8)
    return [Picture(pixels, f"{n}.png", str(n)) for n, pixels in enumerate(noise)]


def test_a_model_is_prepared_in_the_background():
    found = prepare_in_background(InstantRunner(), SOURCE, pictures_of(2), ()).result(SECONDS)
    assert (found.source, found.card, len(found.labels)) == (SOURCE, CARD, 3)
    assert found.preprocessing == found.candidates[0].preprocessing


def test_an_error_with_a_sentence_ends_the_preparation():
    job = prepare_in_background(InstantRunner(RefusedModel("It is empty.")), SOURCE, (), ())
    with pytest.raises(RefusedModel, match=r"^It is empty\.$"):
        job.result(SECONDS)


def test_any_other_error_ends_the_preparation_and_is_logged(caplog):
    job = prepare_in_background(InstantRunner(RuntimeError("secret")), SOURCE, (), ())
    state = job.wait(SECONDS)
    assert (state.status, type(state.error), str(state.error)) == (Status.FAILED, WorkerDied, STOPPED)
    assert "secret" in caplog.text


def test_the_tries_are_asked_in_chunks():
    runner = InstantRunner()
    prepare(runner, SOURCE, pictures_of(8), ())
    assert set(runner.asked) == {16, 8}  # eight pictures in five views
