"""Asking a model about a set of labelled pictures in the background; what was answered is kept on disk."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xai_core.bias.picture_set import PictureSet
from xai_core.bias.predictions import Predictions
from xai_core.bias.reading import SUM_TOLERANCE, some
from xai_core.errors import DataError, ImageError, VitrineError, WorkerDied
from xai_core.jobs.base import Job, Runner, Status
from xai_core.jobs.checks import finite_arrays
from xai_core.jobs.questions.predict import Predict
from xai_core.jobs.sentences import STOPPED
from xai_core.services.asking import at_once
from xai_core.services.preparation import Prepared
from xai_core.services.results_cache import ResultsCache
from xai_core.services.results_key import digest_of
from xai_core.types import Floats, Indices

LOG = logging.getLogger(__name__)
NUMBERED = re.compile(r"class \d+")  # what classes without names are called
UNOPENED = -1.0  # in place of the probabilities of a picture that can not be opened


@dataclass(frozen=True)
class Matched:
    """The classes of a set's pictures as the model counts them: its labels, and the true class of each picture (n,)."""

    labels: tuple[str, ...]
    truth: Indices
    notes: tuple[str, ...] = ()


class PredictionsJob(Job[Predictions]):
    """A job that asks for the predictions of `total` pictures; `asked` tells how far it is.

    Once it is cancelled no further picture is asked. What was answered by then is kept, so that the same question goes
    on from there.
    """

    def __init__(self, total: int) -> None:
        super().__init__(cancel=lambda: self.update(status=Status.CANCELLED))
        self.total, self.asked = total, 0

    def tell(self, asked: int) -> None:
        """Say how many pictures have been asked."""
        self.asked = asked
        self.update(doing=f"{asked} of {self.total} pictures")


def predict_in_background(
    runner: Runner, prepared: Prepared, pictures: PictureSet, cache: ResultsCache | None = None
) -> PredictionsJob:
    """Ask a model about all pictures of a set, a few at a time, in a thread of its own.

    cache: where answers are kept, None to keep none. The job fails with a DataError where
    labels are not the model's, and with the model's own error where that fails. Pictures that can not be opened are
    left out, and a note says so.
    """
    job = PredictionsJob(len(pictures))
    asking = _Asking(runner, prepared, pictures, cache, job)
    threading.Thread(target=asking.run, daemon=True).start()
    return job


def matched(pictures: PictureSet, labels: Sequence[str]) -> Matched:
    """Return the pictures' labels as classes of a model with K `labels`: by name, else by number.

    Where the model's classes have no names and the set has as many, these are taken in their order. A model with one
    output tells two classes apart. Raises DataError for a label that the model does not know.
    """
    own = pictures.labels
    if len(labels) == 1 and len(own) == 2:
        note = f"The model has one output, which is taken for the probability of {own[1][:40]}."
        return Matched(own, _places(pictures, own, _numbered(own)), (note,))
    numbers = {str(n): n for n in range(len(labels))} if all(map(str.isdecimal, own)) else {}
    if all(map(NUMBERED.fullmatch, labels)) and len(labels) == len(own) and not numbers:
        note = f"The model's classes have no names; they are taken to be {some(own)}, in the order of the alphabet."
        return Matched(own, _places(pictures, own, _numbered(own)), (note,))
    return Matched(tuple(labels), _places(pictures, labels, numbers | _numbered(labels)))


def _numbered(labels: Sequence[str]) -> dict[str, int]:
    """Return the number of each label as it is compared; of equal ones the first."""
    return {_plain(label): n for n, label in reversed(list(enumerate(labels)))}


def _plain(label: str) -> str:
    return " ".join(label.casefold().replace("_", " ").replace("-", " ").split())


def _places(pictures: PictureSet, labels: Sequence[str], places: dict[str, int]) -> Indices:
    found = np.array([places.get(_plain(one), -1) for one in pictures.actual.tolist()], np.int64)
    if (found < 0).any():
        label = str(pictures.actual[np.argmax(found < 0)])
        raise DataError(
            f"The label {label[:40]!r} of {int((pictures.actual == label).sum())} pictures is none of the model's "
            f"{len(labels)} classes ({some(labels)}). Give the model's labels, or rename the class."
        )
    return found


class _Asking:
    """One model and one set of pictures."""

    def __init__(
        self,
        runner: Runner,
        prepared: Prepared,
        pictures: PictureSet,
        cache: ResultsCache | None,
        job: PredictionsJob,
    ) -> None:
        self._runner, self._prepared, self._pictures = runner, prepared, pictures
        self._cache, self._job = cache, job

    def run(self) -> None:
        self._job.update(status=Status.RUNNING)
        started = time.monotonic()
        try:
            found = self._predictions()
            self._job.update(status=Status.DONE, latest=found, seconds=time.monotonic() - started)
        except VitrineError as error:
            self._job.update(status=Status.FAILED, error=error)
        except Exception:  # whatever it is, nobody must wait for ever
            LOG.exception("A set of pictures could not be asked.")
            self._job.update(status=Status.FAILED, error=WorkerDied(STOPPED))

    def _predictions(self) -> Predictions | None:
        """Return the predictions of the pictures that can be opened; None once the job is cancelled."""
        pictures = self._pictures
        match = matched(pictures, self._prepared.labels)
        raw = np.full((len(pictures), self._prepared.card.classes), UNOPENED, np.float32)
        for numbers in self._chunks():
            if self._job.state.ended:
                return None
            raw[numbers] = self._answered(numbers)
            self._job.tell(numbers.stop)
        known = raw[:, 0] != UNOPENED
        if not known.any():
            raise DataError("None of the pictures can be opened. Expected PNG, JPEG, WebP, BMP, GIF or TIFF pictures.")
        probabilities, notes = _whole(raw[known])
        files = pictures.files
        if unopened := [str(one) for one in files[~known]]:
            notes.append(f"{len(unopened)} pictures can not be opened and are left out ({some(unopened)}).")
        return Predictions(
            name=self._prepared.source.name,
            labels=match.labels,
            truth=match.truth[known],
            predicted=np.asarray(probabilities.argmax(axis=1), np.int64),
            probabilities=probabilities,
            attributes={name: values[known] for name, values in pictures.attributes.items()},
            files=files[known],
            notes=(*pictures.notes, *match.notes, *notes),
        )

    def _chunks(self) -> Iterator[slice]:
        size = at_once(self._prepared.preprocessing)
        return (slice(start, min(start + size, len(self._pictures))) for start in range(0, len(self._pictures), size))

    def _answered(self, numbers: slice) -> Floats:
        """Return what the model says of some pictures, (m, K): what is kept, else asked and then kept."""
        if self._cache is None:
            return self._asked(numbers)
        key, shape = self._key(numbers), (numbers.stop - numbers.start, self._prepared.card.classes)
        if kept := self._cache.recall(key, lambda values, arrays: finite_arrays(arrays, shape)[0]):
            return kept.answer
        started = time.monotonic()
        found = self._asked(numbers)
        self._cache.keep(key, ({}, [found]), time.monotonic() - started)
        return found

    def _asked(self, numbers: slice) -> Floats:
        source, preprocessing = self._prepared.source, self._prepared.preprocessing
        found = np.full((numbers.stop - numbers.start, self._prepared.card.classes), UNOPENED, np.float32)
        opened = {place: image for place, n in enumerate(_range(numbers)) if (image := self._image(n)) is not None}
        if opened:
            question = Predict(preprocessing, np.stack(list(opened.values())))
            found[list(opened)] = self._runner.ask(source, question).result()
        return found

    def _image(self, number: int) -> Floats | None:
        try:
            return self._prepared.preprocessing.place(self._pictures.picture(number).pixels)
        except (ImageError, DataError):  # the picture, or its place in the archive
            return None

    def _key(self, numbers: slice) -> str:
        asked = {
            "preprocessing": self._prepared.preprocessing.to_json(),
            "pictures": [self._digest(number) for number in _range(numbers)],
        }
        return digest_of(self._prepared.source, asked, self._cache.adapters if self._cache else "")

    def _digest(self, number: int) -> str:
        try:
            return self._pictures.digest(number)
        except DataError:
            return ""


def _range(numbers: slice) -> range:
    return range(numbers.start, numbers.stop)


def _whole(raw: Floats) -> tuple[Floats, list[str]]:
    """Return probabilities (n, K) that add up to 1, and a note where they did not."""
    if raw.shape[1] == 1:
        return np.concatenate([1 - raw, raw], axis=1), []
    sums = raw.sum(axis=1, keepdims=True)
    if (np.abs(sums - 1) <= SUM_TOLERANCE).all():
        return raw, []
    shares = np.divide(raw, sums, out=np.full(raw.shape, 1 / raw.shape[1], np.float32), where=sums > 0)
    return shares, ["The model's probabilities do not add up to 1, so they were normalised."]
