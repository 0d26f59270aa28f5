"""One model's predictions after the filters, and the metrics computed from them, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from vitrine.ui.background import Work, in_background
from vitrine.ui.slots.bias import BiasSlot, Held
from xai_core.bias.class_gaps import ClassGap, class_gaps
from xai_core.bias.classes import ClassFigures, class_figures
from xai_core.bias.confusion import confusion
from xai_core.bias.filters import Filters
from xai_core.bias.group_comparison import GroupComparison, compare_groups, widest
from xai_core.bias.groups import compared, grouped, strata, values_of
from xai_core.bias.heads import HeadFigures, head_figures
from xai_core.bias.predictions import Predictions
from xai_core.bias.progress import Progress
from xai_core.bias.settings import NOTHING, Settings
from xai_core.bias.summary import Figure, summary
from xai_core.bias.thresholds import with_threshold
from xai_core.errors import DataError
from xai_core.types import Indices, Texts

Computed = TypeVar("Computed")


@dataclass(frozen=True)
class Subset:
    """Which predictions are used. label: the class that a threshold decides, if any."""

    filters: Filters
    label: str | None = None
    threshold: float = 0.5

    def of(self, predictions: Predictions) -> Predictions:
        """Return the predictions in the subset. Raises DataError if it does not apply to them."""
        if self.label is not None:
            if self.label not in predictions.labels:
                raise DataError(f"This table has no class named {self.label!r}, so no threshold can decide it.")
            predictions = with_threshold(predictions, predictions.labels.index(self.label), self.threshold)
        mask = self.filters.mask(predictions)
        return predictions if mask.all() else predictions.chosen(mask)


@dataclass(frozen=True, eq=False)
class Selection:
    """A subset of one model's predictions. key: what identifies it. settings: how its metrics are computed."""

    slot: BiasSlot
    held: Held
    predictions: Predictions
    key: tuple[object, ...]
    settings: Settings

    @property
    def name(self) -> str:
        return self.held.name

    @property
    def attributes(self) -> dict[str, list[str]]:
        """The values of each attribute that defines groups, by name."""
        values = self.once("values", values_of)
        return {name: own for name, own in values.items() if len(own) > 1}

    def summary(self) -> dict[str, Figure]:
        samples, level, by = self._settings("bootstrap_samples", "interval_level", "stratify_by")
        figure_key = ("summary", samples, level, by)
        return self.once(figure_key, lambda own: summary(own, samples, level, strata=strata(own, by)))

    def class_figures(self) -> list[ClassFigures]:
        return self.once("classes", class_figures)

    def confusion(self) -> Indices:
        """Return the confusion matrix (K, K): rows are true classes."""
        return self.once("confusion", lambda own: confusion(own.truth, own.predicted, own.classes))

    def heads(self) -> list[HeadFigures]:
        (level,) = self._settings("interval_level")
        return self.once(("heads", level), lambda own: head_figures(own, level))

    def groups(self, names: tuple[str, ...]) -> Texts:
        """Return the group of each picture (n,), by one attribute or two crossed."""
        return self.once(("groups", names), lambda own: grouped(own, names))

    def compare(self, names: tuple[str, ...], label: str) -> GroupComparison:
        """Compare the groups of some attributes, one class against the rest."""
        number = self.predictions.labels.index(label)
        figure_key = ("comparison", names, number, *self._group_settings())
        return self.once(figure_key, lambda own: compare_groups(own, self.groups(names), number, self.settings))

    def class_gaps(self, names: tuple[str, ...]) -> list[ClassGap]:
        """Compare the groups of some attributes class by class."""
        among = compared(self.groups(names), self.settings)
        return self.once(("gaps", names, among), lambda own: class_gaps(own, self.groups(names), among))

    def widest_attribute(self) -> str | None:
        """Return the attribute whose groups differ most in accuracy; None without groups to compare."""
        names = list(self.attributes)
        return self.once(("widest", *self._group_settings()), lambda own: widest(own, names, self.settings))

    def once(self, figure_key: object, compute: Callable[[Predictions], Computed]) -> Computed:
        """Return a figure of these predictions, computed on first use."""
        return self.slot.once((*self.key, figure_key), lambda: compute(self.predictions))

    def begun(self, figure_key: object) -> Work[Any] | None:
        """Return the background job for a figure, if it was started and is still kept."""
        job: Work[Any] | None = self.slot.figures.get((*self.key, figure_key))
        return job

    def begin(self, figure_key: object, compute: Callable[[Predictions, Progress], Any]) -> None:
        """Compute a figure of these predictions in a separate thread; `Progress` receives the share that is done."""
        self.slot.begin((*self.key, figure_key), in_background(lambda progress: compute(self.predictions, progress)))

    def _settings(self, *names: str) -> tuple[Any, ...]:
        return tuple(getattr(self.settings, name) for name in names)

    def _group_settings(self) -> tuple[Any, ...]:
        return self._settings("interval_level", "group_minimum", "leave_out_small_groups", "compare_missing")


def selections_of(slot: BiasSlot, subset: Subset, settings: Settings) -> tuple[list[Selection], dict[str, str]]:
    """Return the selection of each model and, by name, why other models have none."""
    selections, absent = [], {}
    for held in slot.held.values():
        key = (held.number, repr(subset))
        try:
            predictions = slot.part(key, partial(subset.of, held.predictions))
        except DataError as error:
            absent[held.name] = str(error)
            continue
        if len(predictions):
            selections.append(Selection(slot, held, predictions, key, _applicable(settings, predictions)))
        else:
            absent[held.name] = "No picture passes the filters. Loosen them."
    slot.stop_work(but={selection.key for selection in selections})
    return selections, absent


def _applicable(settings: Settings, predictions: Predictions) -> Settings:
    """Return the settings for one model; if it lacks the attribute, its bootstrap is not stratified."""
    known = settings.stratify_by in predictions.attributes
    return settings if known else replace(settings, stratify_by=NOTHING)
