"""Ask a model about any number of pictures, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np

from xai_core.jobs.base import Job, Runner
from xai_core.jobs.questions.predict import Predict
from xai_core.preprocessing import Preprocessing
from xai_core.types import Floats, ModelSource, Score

MOST_AT_ONCE = 16
LARGEST_CHUNK = 64 << 20  # bytes, far below the limit of the wire; a single larger image is still sent


def probabilities(
    runner: Runner,
    source: ModelSource,
    preprocessing: Preprocessing,
    images: Iterable[Floats],
    wait: Callable[[Job[Floats]], Floats] = Job.result,
) -> Floats:
    """Return the probabilities (N, K) of images (H, W, 3) in [0, 1], at least one, prepared by `Preprocessing.place`.

    wait: returns a job's result, or raises its error. Images are drawn from the iterable only when their turn comes.
    """
    return scores(runner, source, preprocessing, images, "probability", wait)


def scores(
    runner: Runner,
    source: ModelSource,
    preprocessing: Preprocessing,
    images: Iterable[Floats],
    score: Score,
    wait: Callable[[Job[Floats]], Floats] = Job.result,
    references: Floats | None = None,
) -> Floats:
    """Return the logits or probabilities (N, K) of images, prepared as for `probabilities`.

    references: for an embedding, the images (R, H, W, C) that it is compared with.
    """
    answers = [
        wait(runner.ask(source, Predict(preprocessing, chunk, score, references=references)))
        for chunk in chunks(images, preprocessing)
    ]
    return np.concatenate(answers)


def chunks(images: Iterable[Floats], preprocessing: Preprocessing) -> Iterator[Floats]:
    """Split images (H, W, 3) into arrays (n, H, W, 3), each small enough for one request."""
    left = iter(images)
    count = at_once(preprocessing)
    while chunk := list(islice(left, count)):
        yield np.stack(chunk)


def at_once(preprocessing: Preprocessing) -> int:
    """Return how many images fit in one request."""
    image_bytes = (
        preprocessing.height * preprocessing.width * preprocessing.picture_depth * np.dtype(np.float32).itemsize
    )
    return min(MOST_AT_ONCE, max(1, LARGEST_CHUNK // image_bytes))
