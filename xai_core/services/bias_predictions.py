"""Ask a model about a set of labelled pictures in the background; its answers are kept on disk."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xai_core.bias.one_label import ASSUMED, has_label
from xai_core.bias.picture_set import PictureSet
from xai_core.bias.predictions import Mask, Predictions
from xai_core.bias.scores import SUM_TOLERANCE
from xai_core.errors import DataError, ImageError, VitrineError, WorkerDied
from xai_core.jobs.base import Job, Runner, Status
from xai_core.jobs.checks import finite_arrays
from xai_core.jobs.questions.predict import Predict
from xai_core.jobs.sentences import STOPPED
from xai_core.scores import has_probabilities, is_multi_label, sides_of
from xai_core.services.asking import at_once
from xai_core.services.preparation import Prepared
from xai_core.services.results_cache import ResultsCache
from xai_core.services.results_key import digest_of
from xai_core.types import Card, Floats, Indices
from xai_core.wording import some

LOG = logging.getLogger(__name__)
NUMBERED = re.compile(r"class \d+")  # what classes without names are called
NO_CLASSES = "The outputs of this model are not classes. Labelled pictures need a model that predicts a class."
SEVERAL = (
    "Labelled pictures have one class each, but this model predicts its {} labels independently (sigmoid), so several "
    "may be right. Choose the label to judge."
)
DECIDED = "{label} is predicted if its probability is at least {threshold:g}."
IF_ONE = " If exactly one class is right, choose softmax for its outputs instead."
UNOPENED = -1.0  # stands for the probabilities of a picture that cannot be opened


@dataclass(frozen=True)
class Matched:
    """The classes of a set's pictures in the model's terms: its labels, and the true class of each picture (n,)."""

    labels: tuple[str, ...]
    truth: Indices
    notes: tuple[str, ...] = ()


class PredictionsJob(Job[Predictions]):
    """A job that asks for the predictions of `total` pictures; `answered` counts those that it has answered.

    After a cancel, no more pictures are sent to the model. The answers so far are kept, so the same question resumes
    from there. label: the number of the one that is judged, for a model that predicts several; else None.
    """

    def __init__(self, total: int, label: int | None = None) -> None:
        super().__init__(cancel=lambda: self.update(status=Status.CANCELLED))
        self.total, self.answered, self.label = total, 0, label

    def report(self, count: int) -> None:
        """Record how many pictures are done."""
        self.answered = count
        self.update(doing=f"{count} of {self.total} pictures")


def predict_in_background(
    runner: Runner,
    prepared: Prepared,
    pictures: PictureSet,
    cache: ResultsCache | None = None,
    label: int | None = None,
) -> PredictionsJob:
    """Ask a model about all pictures of a set, a few at a time, in a separate thread.

    cache: where answers are kept; None to keep none. label: the one to judge, by number, if the model predicts several
    independently; the predictions then have two classes, without it and with it. The job fails with a DataError if the
    labels are not the model's or it does not predict one class, and with the model's own error if that fails. Pictures
    that cannot be opened are skipped, with a note.
    """
    job = PredictionsJob(len(pictures), label if is_multi_label(prepared.card) else None)
    asking = _Asking(runner, prepared, pictures, cache, job)
    threading.Thread(target=asking.run, daemon=True).start()
    return job


def why_not_one_class(card: Card, label: int | None = None) -> str:
    """Return why a model cannot be judged by one class per picture, or by one label; "" if it can."""
    if not has_probabilities(card):
        return NO_CLASSES
    if not is_multi_label(card) or (label is not None and 0 <= label < card.classes):
        return ""
    return SEVERAL.format(card.classes) + ("" if card.head_known else IF_ONE)


def matched(pictures: PictureSet, labels: Sequence[str]) -> Matched:
    """Match the pictures' labels to the classes of a model with K `labels`: by name, else by number.

    If the model's classes have no names and the set has as many classes, the set's names are used in order. A model
    with one output separates two classes. Raises DataError for a label that the model does not know.
    """
    own = pictures.labels
    if len(labels) == 1 and len(own) == 2:
        note = f"The model has one output, which is read as the probability of {own[1][:40]}."
        return Matched(own, _places(pictures, own, _numbered(own)), (note,))
    numbers = {str(n): n for n in range(len(labels))} if all(map(str.isdecimal, own)) else {}
    if all(map(NUMBERED.fullmatch, labels)) and len(labels) == len(own) and not numbers:
        note = f"The model's classes have no names; they are assumed to be {some(own)}, in alphabetical order."
        return Matched(own, _places(pictures, own, _numbered(own)), (note,))
    return Matched(tuple(labels), _places(pictures, labels, numbers | _numbered(labels)))


def matched_with(pictures: PictureSet, label: str, known: Sequence[str] = ()) -> Matched:
    """Match the pictures to two classes, without and with a label. Raises DataError if no picture has it.

    known: all labels of the model.
    """
    number = (label.removeprefix("class "),) if NUMBERED.fullmatch(label) else ()
    truth = np.asarray(has_label(pictures.actual, label, *number, known=known), np.int64)
    return Matched(sides_of((label,)), truth, (ASSUMED.format(label=label[:40]),))


def _numbered(labels: Sequence[str]) -> dict[str, int]:
    """Return the number of each label in its simplest spelling; of equal ones the first."""
    return {_plain(label): n for n, label in reversed(list(enumerate(labels)))}


def _plain(label: str) -> str:
    return " ".join(label.casefold().replace("_", " ").replace("-", " ").split())


def _places(pictures: PictureSet, labels: Sequence[str], places: dict[str, int]) -> Indices:
    classes = np.array([places.get(_plain(label), -1) for label in pictures.actual.tolist()], np.int64)
    if (classes < 0).any():
        label = str(pictures.actual[np.argmax(classes < 0)])
        raise DataError(
            f"The label {label[:40]!r} of {int((pictures.actual == label).sum())} pictures is not among the model's "
            f"{len(labels)} classes ({some(labels)}). Load the model's labels, or rename the class."
        )
    return classes


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
        self._cache, self._job, self._label = cache, job, job.label

    def run(self) -> None:
        self._job.update(status=Status.RUNNING)
        started = time.monotonic()
        try:
            predictions = self._predictions()
            self._job.update(status=Status.DONE, latest=predictions, seconds=time.monotonic() - started)
        except VitrineError as error:
            self._job.update(status=Status.FAILED, error=error)
        except Exception:  # whatever the error, no caller may wait forever
            LOG.exception("A set of pictures could not be asked about.")
            self._job.update(status=Status.FAILED, error=WorkerDied(STOPPED))

    def _predictions(self) -> Predictions | None:
        """Return the predictions for the pictures that can be opened; None once the job is cancelled."""
        if reason := why_not_one_class(self._prepared.card, self._label):
            raise DataError(reason)
        match = self._matched()
        raw = self._raw()
        if raw is None:
            return None
        opened = raw[:, 0] != UNOPENED
        if not opened.any():
            raise DataError("None of the pictures can be opened. Expected PNG, JPEG, WebP, BMP, GIF or TIFF pictures.")
        shown = raw[opened] if self._label is None else raw[opened][:, [self._label]]
        probabilities, notes = _normalised(shown)
        return self._assembled(match, opened, probabilities, notes + self._skipped(opened))

    def _matched(self) -> Matched:
        labels = self._prepared.labels
        if self._label is None:
            return matched(self._pictures, labels)
        return matched_with(self._pictures, labels[self._label], labels)

    def _decided(self, match: Matched, probabilities: Floats) -> tuple[Indices, tuple[str, ...]]:
        """Return the predicted classes (n,), and a note if a threshold decides them."""
        if self._label is None and not self._prepared.card.both_sides:
            return np.asarray(probabilities.argmax(axis=1), np.int64), ()
        threshold = self._prepared.threshold
        note = DECIDED.format(label=match.labels[1][:40], threshold=threshold)
        return np.asarray(probabilities[:, 1] >= np.float32(threshold), np.int64), (note,)

    def _raw(self) -> Floats | None:
        """Return the model's outputs for all pictures, (n, K); None once the job is cancelled."""
        raw = np.full((len(self._pictures), self._prepared.card.classes), UNOPENED, np.float32)
        for numbers in self._chunks():
            if self._job.state.ended:
                return None
            raw[numbers] = self._answered(numbers)
            self._job.report(numbers.stop)
        return raw

    def _skipped(self, opened: Mask) -> list[str]:
        skipped = [str(file) for file in self._pictures.files[~opened]]
        return [f"{len(skipped)} pictures cannot be opened and were skipped ({some(skipped)})."] if skipped else []

    def _assembled(self, match: Matched, opened: Mask, probabilities: Floats, notes: list[str]) -> Predictions:
        pictures, name = self._pictures, self._prepared.source.name
        predicted, decided = self._decided(match, probabilities)
        return Predictions(
            name=name if self._label is None else f"{name}, {match.labels[1][:40]}",
            labels=match.labels,
            truth=match.truth[opened],
            predicted=predicted,
            probabilities=probabilities,
            attributes={name: values[opened] for name, values in pictures.attributes.items()},
            files=pictures.files[opened],
            notes=(*pictures.notes, *match.notes, *decided, *notes),
        )

    def _chunks(self) -> Iterator[slice]:
        size = at_once(self._prepared.preprocessing)
        return (slice(start, min(start + size, len(self._pictures))) for start in range(0, len(self._pictures), size))

    def _answered(self, numbers: slice) -> Floats:
        """Return the model's outputs for some pictures, (m, K): from the cache, or from the model and then kept."""
        if self._cache is None:
            return self._asked(numbers)
        key, shape = self._key(numbers), (numbers.stop - numbers.start, self._prepared.card.classes)
        if kept := self._cache.recall(key, lambda values, arrays: finite_arrays(arrays, shape)[0]):
            return kept.answer
        started = time.monotonic()
        outputs = self._asked(numbers)
        self._cache.keep(key, ({}, [outputs]), time.monotonic() - started)
        return outputs

    def _asked(self, numbers: slice) -> Floats:
        source, preprocessing = self._prepared.source, self._prepared.preprocessing
        outputs = np.full((numbers.stop - numbers.start, self._prepared.card.classes), UNOPENED, np.float32)
        opened = {place: image for place, n in enumerate(_range(numbers)) if (image := self._image(n)) is not None}
        if opened:
            question = Predict(preprocessing, np.stack(list(opened.values())))
            outputs[list(opened)] = self._runner.ask(source, question).result()
        return outputs

    def _image(self, number: int) -> Floats | None:
        try:
            return self._pictures.picture(number).placed(self._prepared.preprocessing)
        except (ImageError, DataError):  # the picture, or its place in the archive
            return None

    def _key(self, numbers: slice) -> str:
        parts = {
            "preprocessing": self._prepared.preprocessing.to_json(),
            "pictures": [self._digest(number) for number in _range(numbers)],
        }
        return digest_of(self._prepared.source, parts, self._cache.adapters if self._cache else "")

    def _digest(self, number: int) -> str:
        try:
            return self._pictures.digest(number)
        except DataError:
            return ""


def _range(numbers: slice) -> range:
    return range(numbers.start, numbers.stop)


def _normalised(raw: Floats) -> tuple[Floats, list[str]]:
    """Return probabilities (n, K) that add up to 1, and a note if they did not before."""
    if raw.shape[1] == 1:
        return np.concatenate([1 - raw, raw], axis=1), []
    sums = raw.sum(axis=1, keepdims=True)
    if (np.abs(sums - 1) <= SUM_TOLERANCE).all():
        return raw, []
    shares = np.divide(raw, sums, out=np.full(raw.shape, 1 / raw.shape[1], np.float32), where=sums > 0)
    return shares, ["The model's probabilities do not add up to 1, so they were normalised."]
