from __future__ import annotations

import numpy as np
import pytest

from xai_core.errors import ModelError
from xai_core.jobs.base import Job, Status
from xai_core.preprocessing import Preprocessing
from xai_core.services.asking import LARGEST_CHUNK, at_once, chunks, probabilities
from xai_core.types import ModelSource

SOURCE = ModelSource("path", "name", "digest")
SMALL = Preprocessing(2, 3)


class MeanRunner:
    """Answers at once, with the mean of each colour; keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def ask(self, source, question, asker=""):
        self.asked.append(len(question.images))
        job = Job(cancel=lambda: None)
        job.update(status=Status.DONE, latest=question.images.mean(axis=(1, 2)))
        return job


def images_of(count):
    return np.random.default_rng(0).random((count, 2, 3, 3), dtype=np.float32)


@pytest.mark.parametrize(("count", "asked"), [(1, [1]), (16, [16]), (40, [16, 16, 8])])
def test_many_images_are_asked_in_chunks_and_answered_in_order(count, asked):
    runner, images = MeanRunner(), images_of(count)
    found = probabilities(runner, SOURCE, SMALL, images)
    assert runner.asked == asked
    np.testing.assert_array_equal(found, images.mean(axis=(1, 2)))


@pytest.mark.parametrize(("side", "count"), [(224, 16), (600, 15), (1024, 5), (4096, 1)])
def test_a_request_stays_small_however_large_the_images(side, count):
    assert at_once(Preprocessing(side, side)) == count
    assert count == 1 or count * side * side * 12 <= LARGEST_CHUNK


def test_images_are_made_only_as_they_are_asked():
    made = []
    parts = chunks((made.append(n) or image for n, image in enumerate(images_of(40))), SMALL)
    assert next(parts).shape == (16, 2, 3, 3)
    assert made == list(range(16))


def test_an_error_ends_the_asking():
    def refuse(job):
        raise ModelError("No.")

    runner = MeanRunner()
    with pytest.raises(ModelError, match="No"):
        probabilities(runner, SOURCE, SMALL, images_of(40), refuse)
    assert runner.asked == [16]
