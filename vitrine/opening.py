"""From a source to an open model, in its own process or in this one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.segmentation import SEGMENTATION
from model_adapters.common.typed_labels import TypedLabels
from vitrine.classifier import Classifier
from vitrine.detector import Detector
from vitrine.files import Labels, all_labels, class_labels, label_bytes
from vitrine.model import Model
from vitrine.pictures import as_pictures
from vitrine.progress import Tell
from vitrine.runner import Runners
from vitrine.sample_files import make_pictures
from vitrine.samples import sample_photos
from vitrine.segmenter import Segmenter
from xai_core.errors import ParamError, TryAsDetector, TryAsSegmenter, TypeLabels, VitrineError
from xai_core.jobs.base import Runner
from xai_core.pictures.files import Picture
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.preprocessing import Preprocessing
from xai_core.scores import THRESHOLD, Scoring
from xai_core.services.detector_preparation import PreparedDetector, prepared_detector
from xai_core.services.preparation import Prepared, opened, prepare
from xai_core.services.preprocessing_guess import check_preprocessing_name
from xai_core.types import Capability, Card, ModelSource, Task

NO_PROMPT = "A prompt is for the typed labels of CLIP and SigLIP; this model has classes of its own. Leave it out."
PreprocessingLike = str | Mapping[str, Any] | Preprocessing


@dataclass(frozen=True)
class Wishes:
    """What the caller sets about a model; None for what is to be detected.

    reading: how a detector's outputs are read, as JSON; "" if its file describes that. output, scoring: the one of a
    classifier that holds its scores, and what they are, see `OutputChoice`. pictures: the caller's own, in any form
    that `as_pictures` takes; preprocessings are also tried on them. regions: whether a segmentation network will
    do where a classifier is wanted. prompt: what the labels of CLIP and SigLIP are put into; None for the usual one.
    references: the pictures that an embedding is compared with. threshold: the probability from which a class is
    predicted, where several may be.
    """

    task: Task | None = None
    labels: Labels | None = None
    preprocessing: PreprocessingLike | None = None
    reading: str = ""
    output: str = ""
    pictures: Any = ()
    scoring: Scoring = ""
    regions: bool = False
    prompt: str | None = None
    references: Any = ()
    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        if self.task not in (None, *get_args(Task)):
            raise ParamError(f"A task is 'classify', 'detect' or 'segment'; got {self.task!r}.")
        OutputChoice(output=self.output, scoring=self.scoring)
        if not 0 <= self.threshold <= 1:
            raise ParamError(f"The threshold must be a probability from 0 to 1; got {self.threshold}.")
        if (self.output or self.scoring) and (self.task == "detect" or self.reading):
            raise ParamError("An output is chosen for a classifier; how a detector's outputs are read is a reading.")
        if isinstance(self.labels, str | os.PathLike):
            label_bytes(Path(self.labels))  # mistakes are reported before the model is opened, which takes longer
        if isinstance(self.preprocessing, str):
            check_preprocessing_name(self.preprocessing)


def prepared_model(runner: Runner, source: ModelSource, wishes: Wishes, tell: Tell) -> Prepared | PreparedDetector:
    """Open a model for the task that was detected or set, and prepare it for questions."""
    if wishes.task == "detect" or wishes.reading:
        return _detector(runner, source, wishes, tell)
    try:
        return _classifier(runner, source, wishes, tell)
    except TryAsDetector:
        if wishes.task or wishes.output or wishes.scoring:
            raise
    return _detector(runner, source, wishes, tell)


def model_of(
    runners: Runners, prepared: Prepared | PreparedDetector, tell: Tell, release: Callable[[], object]
) -> Model:
    """Return the public object of a prepared model. release: frees it; called once."""
    if isinstance(prepared, PreparedDetector):
        return Detector(runners, prepared, tell, release)
    kind = Segmenter if prepared.card.task == "segment" else Classifier
    return kind(runners, prepared, tell, release)


def _classifier(runner: Runner, source: ModelSource, wishes: Wishes, tell: Tell) -> Prepared:
    choice = OutputChoice(output=wishes.output, scoring=wishes.scoring)
    try:
        prepared = _prepared(runner, source, choice, wishes, tell)
    except TypeLabels:
        if wishes.labels is None:
            raise
        typed = TypedLabels.of(all_labels(wishes.labels), wishes.prompt)
        return replace(_prepared(runner, source, typed.choice, wishes, tell), threshold=wishes.threshold)
    if wishes.prompt is not None:
        raise ParamError(NO_PROMPT)
    if wishes.task == "classify" and not wishes.regions and prepared.card.task != "classify":
        raise TryAsSegmenter(SEGMENTATION)
    prepared = replace(prepared, threshold=wishes.threshold)
    if prepared.card.head == "similarity":
        return prepared.compared_with(_pictures(wishes.references))
    if wishes.labels is None:
        return prepared
    return replace(prepared, labels=_labels(wishes.labels, prepared.card))


def _prepared(runner: Runner, source: ModelSource, choice: OutputChoice, wishes: Wishes, tell: Tell) -> Prepared:
    chosen = replace(source, reading=choice.to_text(), task=wishes.task or source.task)
    return prepare(runner, chosen, _pictures(wishes.pictures), known_photos(), tell, wishes.preprocessing)


def _labels(labels: Labels, card: Card) -> tuple[str, ...]:
    return class_labels(labels, card.classes, both_sides=card.both_sides)


def _detector(runner: Runner, source: ModelSource, wishes: Wishes, tell: Tell) -> PreparedDetector:
    as_detector = replace(source, task="detect", reading=wishes.reading)
    prepared = prepared_detector(as_detector, opened(runner, as_detector, tell))
    if wishes.labels is None or Capability.DETECT not in prepared.card.capabilities:
        return prepared
    return replace(prepared, labels=class_labels(wishes.labels, prepared.card.classes, background=True))


def _pictures(pictures: Any) -> list[Picture]:
    return [] if isinstance(pictures, Sequence) and not pictures else as_pictures(pictures)


def known_photos() -> Sequence[KnownPhoto]:
    """Return the sample photos, copied first if necessary; none if this installation has none."""
    try:
        make_pictures()
        return sample_photos()
    except (OSError, ValueError, VitrineError):
        return ()
