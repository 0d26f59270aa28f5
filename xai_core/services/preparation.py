"""From a model file to a model that is ready for questions: open it, find its preprocessing, name its classes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from xai_core.errors import ChooseScoring, VitrineError, WorkerDied
from xai_core.jobs.base import Job, Runner, Status
from xai_core.jobs.sentences import STOPPED
from xai_core.labels import labels_for
from xai_core.pictures.files import Picture
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.preprocessing import Preprocessing
from xai_core.scores import THRESHOLD, similarity_card
from xai_core.services.asking import probabilities
from xai_core.services.code_entries import choose_entry
from xai_core.services.output_answers import choose_output
from xai_core.services.preprocessing_guess import Candidate, candidates, chosen_preprocessing, rank
from xai_core.types import Card, Floats, ModelSource, Precision

DOUBT = (
    "The model's {0:,} outputs do not look like scores of classes: {1}. Choose what they are: scores of classes "
    "(softmax if exactly one is right, sigmoid if several may be), numbers (none) or an embedding (similarity)."
)
LOG = logging.getLogger(__name__)
Tell = Callable[[str], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Prepared:
    """A model that is ready for questions.

    candidates: the preprocessings that were tried, best first. preprocessing: the one that is used. labels: a name for
    each class. precision: of the forward passes of explanations. threshold: the probability from which a class is
    predicted, where several may be. references: the pictures that an embedding is compared with; the card and the
    labels are then those of the similarities.
    """

    source: ModelSource
    card: Card
    candidates: tuple[Candidate, ...]
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    precision: Precision = "float32"
    threshold: float = THRESHOLD
    references: tuple[Picture, ...] = ()

    def compared_with(self, pictures: Sequence[Picture]) -> Prepared:
        """Return an embedding model whose scores are the similarities to these pictures; without any it has none."""
        if not pictures:
            return replace(self, card=replace(self.card, head="similarity"), references=())
        labels = tuple(f"similarity to {picture.name}" for picture in pictures)
        card = similarity_card(self.card, len(pictures))
        return replace(self, card=card, references=tuple(pictures), labels=labels)

    def reference_images(self) -> Floats | None:
        """Return the reference pictures as the model sees them, (R, H, W, C); None if there are none."""
        if not self.references:
            return None
        return np.stack([picture.placed(self.preprocessing) for picture in self.references])


def prepare(
    runner: Runner,
    source: ModelSource,
    pictures: Sequence[Picture],
    references: Sequence[KnownPhoto],
    tell: Tell = lambda doing: None,
    chosen: str | Mapping[str, Any] | Preprocessing | None = None,
) -> Prepared:
    """Open a model and find the preprocessing it was trained with; `pictures` are the user's own, if there are any yet.

    tell: called with the current step, in words. chosen: a preprocessing as `chosen_preprocessing` takes it, which is
    used without trying others. Raises the VitrineError that says why the model cannot be used; ChooseOutput if several
    outputs may hold its class scores, ChooseScoring if its outputs do not look like any, ChooseEntry if it is not said
    what to build from its code.
    """
    card = opened(runner, source, tell)
    if card.outputs:
        tell("comparing the outputs of the model")
        way = next(iter(candidates(card).values())) if chosen is None else chosen_preprocessing(chosen, card)
        raise choose_output(runner, source, card, way, pictures, references)
    if card.doubt:
        raise ChooseScoring(DOUBT.format(card.classes, card.doubt))
    if chosen is None:
        tell("finding the preprocessing of the model")
        ranked = rank(card, _asking(runner, source), pictures, references)
    else:
        preprocessing = chosen_preprocessing(chosen, card)
        ranked = (Candidate("chosen", preprocessing, "You chose it; it was not tried.", 0.0),)
    return Prepared(source, card, ranked, ranked[0].preprocessing, labels_for(card))


def opened(runner: Runner, source: ModelSource, tell: Tell = lambda doing: None) -> Card:
    """Open a model and return its card; `tell` is called with the current step, in words.

    Raises ChooseEntry if it is not said what to build from the source's code.
    """
    opening = runner.open(source)
    while not opening.wait(0.1).ended:
        tell(opening.state.doing)
    card = opening.result()
    if card.entries:
        raise choose_entry(card.entries)
    return card


def _asking(runner: Runner, source: ModelSource) -> Callable[[Preprocessing, Floats], Floats]:
    def predict(preprocessing: Preprocessing, images: Floats) -> Floats:
        return probabilities(runner, source, preprocessing, images)

    return predict


def prepare_in_background(
    runner: Runner, source: ModelSource, pictures: Sequence[Picture], references: Sequence[KnownPhoto]
) -> Job[Prepared]:
    """Run `prepare` in the background; a cancel does not end the model's process."""
    return in_background(lambda tell: prepare(runner, source, pictures, references, tell))


def in_background(work: Callable[[Tell], Result]) -> Job[Result]:
    """Run `work` in a thread of its own. A cancel does not stop the thread, but its result is dropped.

    work: takes a function to call with the current step, in words; the job's state shows them as `doing`.
    """
    job: Job[Result] = Job(cancel=lambda: job.update(status=Status.CANCELLED))

    def run() -> None:
        job.update(status=Status.RUNNING)
        try:
            job.update(status=Status.DONE, latest=work(lambda doing: job.update(doing=doing)))
        except VitrineError as error:
            job.update(status=Status.FAILED, error=error)
        except Exception:  # whatever it is, the job must end
            LOG.exception("A model could not be prepared.")
            job.update(status=Status.FAILED, error=WorkerDied(STOPPED))

    threading.Thread(target=run, daemon=True).start()
    return job
