"""An open model: what classifiers, segmenters and detectors have in common."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from vitrine.boxes import Boxes
from vitrine.catalogue import FilterLike, MethodLike, class_of, plain, register
from vitrine.explanation import Explanation
from vitrine.predictions import Predictions
from vitrine.progress import Tell
from vitrine.runner import Runners
from vitrine.segments import Segments
from vitrine.tables import Table
from xai_core.errors import ModelError, ParamError
from xai_core.guide import in_order, reason_against
from xai_core.jobs.base import Runner
from xai_core.method import Catalogued
from xai_core.params import Size
from xai_core.pictures.overlays import Look
from xai_core.types import Card, ModelSource, Precision, Task

NO_PIXELS = "This model is a {0} and labels no pixels. Open a segmentation network to use segment."
CLOSED = "This model is closed. Open it again with vitrine.load or vitrine.wrap."


class Model(ABC):
    """An open model, in its own process or in this one. `vitrine.load` and `vitrine.wrap` return one.

    It is released by `close`, at the end of a `with` block, or when it is garbage-collected. Every method raises
    a `vitrine.VitrineError` whose message says what was expected, what came and what to do.
    """

    task: Task

    def __init__(self, runners: Runners, source: ModelSource, tell: Tell, release: Callable[[], object]) -> None:
        self._runners, self._source, self._tell = runners, source, tell
        self._release = weakref.finalize(self, release)

    @property
    @abstractmethod
    def card(self) -> Card:
        """What was recognised in the model: framework, input, layers, what it supports, and why the rest is missing."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """The name of each class."""

    @property
    def name(self) -> str:
        """The file's name, or the class of a wrapped model."""
        return self._source.name

    @property
    def layers(self) -> tuple[str, ...]:
        """The names that `explain` takes as `layers` or `levels`, in the order of the forward pass."""
        return tuple(layer.name for layer in self.card.layers)

    def methods(self) -> Table:
        """Return the methods for this kind of model, one row per method, with the reason if it cannot be used."""
        register()
        rows = ((method, reason_against(method, self.card)) for method in in_order(self.task))
        return Table([{"id": m.id, "title": m.title, "possible": not why, "reason": why} for m, why in rows])

    @abstractmethod
    def predict(self, pictures: Any) -> Predictions:
        """Return the scores of all classes for one picture, a list of pictures or a batch; classifiers only.

        Pictures are paths, PIL images, arrays (H, W, 3) of uint8 or of floats from 0 to 1, or PyTorch tensors (3, H, W)
        or (H, W, 3) of floats from 0 to 1, all in RGB and before preprocessing.
        """

    @abstractmethod
    def detect(self, picture: Any, threshold: float | None = None) -> Boxes:
        """Return the boxes in a picture that score at least `threshold` (0.05 to 1, by default 0.5); detectors only.

        picture: as for `predict`.
        """

    def segment(self, picture: Any) -> Segments:
        """Return the class of every pixel of a picture; segmenters only. picture: as for `predict`."""
        raise ParamError(NO_PIXELS.format("detector" if self.task == "detect" else "classifier"))

    @abstractmethod
    def explain(
        self,
        method: MethodLike,
        picture: Any,
        *,
        target: int | str | Iterable[int | str] | None = None,
        region: Any = None,
        box: int | Iterable[int] | None = None,
        threshold: float | None = None,
        inside: bool = False,
        filters: Iterable[FilterLike] = (),
        look: Look | None = None,
        precision: Precision = "float32",
        cache: bool = True,
        channel: int | None = None,
        progress: Tell | None = None,
        **parameters: Any,
    ) -> Explanation:
        """Explain the class of a picture, the class of a region (segmenters) or a box (detectors).

        method: an id such as "grad_cam", a class such as vitrine.GradCam, or an instance with its parameters. picture:
        as for `predict`. target: for a classifier, a class by name or index, or several; by default the predicted one.
        region: for a segmenter, the region over which the target's mean score is explained: "predicted" (the default)
        is where the target was predicted, "picture" the whole picture, (x, y) the connected region around a pixel,
        (left, top, right, bottom) a box, three or more (x, y) a polygon, and a boolean mask (h, w) single pixels, all
        in pixels of the picture. box: for a detector, a box by its number in `detect`, from 1, or several; by default
        the best. threshold: the lowest score of a numbered box; only for a picture, since what `detect` returned has
        its own. inside: whether a box's map is shown only inside the box. filters: ids or instances, applied in order.
        look: how the map is drawn. precision: "bfloat16" is faster and less exact, on processors that support it.
        cache: whether an earlier answer to the same question may be returned, and this one kept. channel: explain only
        this channel of the picture, counted from 1, and keep the others unchanged; by default all. progress: called
        regularly with one line of text. parameters: the method's own, by name.
        Raises ParamError, MissingCapability (the model lacks what the method needs), ImageError, DataError or JobError.
        """

    def close(self) -> None:
        """Release the model and its process; asking it afterwards raises ModelError."""
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        card = self.card
        architecture = f", {card.architecture}" if card.architecture else ""
        framework = f"{card.framework} ({card.format}{architecture})"
        return f"<{type(self).__name__} {self.name}: {framework}, {card.classes} classes>"

    def _runner(self, cache: bool = False) -> Runner:
        if not self._release.alive:
            raise ModelError(CLOSED)
        return self._runners.remembering if cache else self._runners.plain

    def _suited(self, method: MethodLike, size: Size, parameters: dict[str, Any]) -> Catalogued:
        """Return the method with its parameters, checked against this model and its input `size`."""
        kind = class_of(method)
        kind.check_model(self.card)
        if isinstance(method, Catalogued):
            if parameters:
                raise ParamError(f"{kind.title} was given with its parameters; add {min(parameters)} to it instead.")
            method.check_for(size)
            suited = method
        else:
            suited = kind.suited(self.card, size, plain(kind, parameters))
        suited.check_choices(self.card)
        return suited
