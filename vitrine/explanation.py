"""The answer to a question about a prediction or a box: maps, figures and what to keep in mind when reading them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from vitrine.drawing import as_png, captioned, figure, show_in_viewer, side_by_side
from xai_core.detection.report import BoxExplanation
from xai_core.errors import DataError, in_sentences
from xai_core.families.noise import noise_shares
from xai_core.method import Catalogued
from xai_core.report import Explanation as ClassExplanation
from xai_core.report import Report, save
from xai_core.scores import in_words
from xai_core.types import Floats

if TYPE_CHECKING:
    import pandas as pd

SHARES = ("error", "share_of_the_score")  # figures that are given in percent


class Explanation:
    """A finished explanation; a notebook shows it as the photo beside the map, with its figures and warnings.

    report: the whole answer with its provenance. remembered: whether it was computed earlier and read from the cache.
    """

    def __init__(self, report: Report, remembered: bool = False) -> None:
        self.report, self.remembered = report, remembered

    @property
    def map(self) -> Floats:
        """The attribution of the first target, (H, W) float32, signed: values below zero speak against it.

        Values are in units of the explained score, or relative; the method's guide says which. Filters are applied.
        """
        first: Floats = self.maps[0]
        return first

    @property
    def maps(self) -> Floats:
        """The attribution of every target, (T, H, W) float32, signed."""
        return self.report.maps

    @property
    def standard_error(self) -> Floats | None:
        """The Monte Carlo error of the maps before filters, (T, H, W) float32; None for a method without sampling."""
        return self.report.estimate.standard_error

    @property
    def method(self) -> Catalogued:
        """The method with the parameters that were used."""
        return self.report.method

    @property
    def targets(self) -> tuple[str, ...]:
        """What is explained, one name per target: "tabby (281)", "box 2: red cell"."""
        if isinstance(self.report, BoxExplanation):
            return tuple(f"box {entry['number']}: {entry['label']}" for entry in self.report.entries)
        labels = self.report.labels
        return tuple(f"{labels[number]} ({number})" for number in self.report.target_numbers())

    @property
    def scores(self) -> tuple[float, ...]:
        """The probability of each explained class, or the score of each explained box, 0 to 1.

        For a model whose outputs are numbers or similarities, the explained outputs.
        """
        if isinstance(self.report, BoxExplanation):
            return tuple(float(target.score) for target in self.report.targets)
        assert isinstance(self.report, ClassExplanation)
        return tuple(float(self.report.probabilities[number]) for number in self.report.target_numbers())

    @property
    def noise(self) -> tuple[float | None, ...]:
        """The share of each map's variance that is Monte Carlo noise, 0 to 1; None for a method without sampling."""
        return noise_shares(self.report.estimate)

    @property
    def figures(self) -> Mapping[str, tuple[float | None, ...]]:
        """The method's own measures of error and fit by name, one value per target; None where undefined."""
        return self.report.estimate.diagnostics

    @property
    def notes(self) -> tuple[str, ...]:
        """What to keep in mind before trusting the map: notes about the run, then warnings, in sentences."""
        return (*self.report.picture.notes, *self.report.estimate.notes, *self.report.warnings)

    @property
    def seconds(self) -> float:
        """How long the method ran, in seconds; for a remembered explanation, when it was computed."""
        return self.report.seconds

    @property
    def record(self) -> dict[str, Any]:
        """Everything needed to reproduce it, as plain JSON values."""
        return self.report.manifest()

    def overlay(self, position: int = 0) -> Image.Image:
        """Return the picture overlaid with the map of a target, counted from 0."""
        return Image.fromarray(self.report.overlay(position))

    def image(self, position: int = 0) -> Image.Image:
        """Return what a notebook shows for a target, counted from 0: photo, overlay, title and caption."""
        return captioned(self._row(position), self.title(position), self.caption(position))

    def title(self, position: int = 0) -> str:
        """Return the method, the target and its score: "Grad-CAM: tabby (281), 71.4%"."""
        return f"{self.method.title}: {self.targets[position]}, {in_words(self.scores[position], self.report.card)}"

    def caption(self, position: int = 0) -> str:
        """Return the noise and the figures of a target in words, and how long the method ran."""
        noise = self.noise[position]
        words = [] if noise is None else [f"noise {noise:.1%}"]
        words += [_in_words(name, values[position]) for name, values in self.figures.items()]
        remembered = ", remembered" if self.remembered else ""
        return ", ".join([*filter(None, words), f"{self.seconds:.3g} s{remembered}"])

    def show(self) -> None:
        """Show the explanation: below the cell in a notebook, in the system's viewer elsewhere.

        Raises DataError if the system has no viewer.
        """
        try:
            from IPython import get_ipython
            from IPython.display import display
        except ImportError:
            show_in_viewer(self.image())
            return
        display(self) if get_ipython() else show_in_viewer(self.image())

    @in_sentences("Saving failed")
    def save(self, folder: str | Path) -> list[Path]:
        """Write attribution.npy, overlay.png and manifest.json into a folder, created if missing; return their paths.

        These are the files of `vitrine explain`: the names for second and later targets contain the target's number, a
        standard error goes to standard_error.npy, and boxes go to boxes.json. Raises DataError if the folder cannot be
        written.
        """
        try:
            return save(self.report, Path(folder))
        except OSError as error:
            raise DataError(f"The folder {Path(folder).name} cannot be written: {error.strerror}.") from error

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per target: its name, its score, the noise and the method's figures."""
        import pandas as pd

        columns = {"target": self.targets, "score": self.scores, "noise": self.noise, **self.figures}
        return pd.DataFrame({"method": self.method.id, **columns, "seconds": self.seconds})

    def __repr__(self) -> str:
        lines = [f"{self.title(n)} ({self.caption(n)})" for n in range(len(self.targets))]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        positions = range(len(self.targets))
        last = positions[-1]
        return "".join(
            figure(self._row(n), self.title(n), self.caption(n), self.notes if n == last else ()) for n in positions
        )

    def _repr_png_(self) -> bytes:
        return as_png(self.image())

    def _row(self, position: int) -> Image.Image:
        return side_by_side([self.report.photo(), self.report.overlay(position)])


def _in_words(name: str, value: float | None) -> str:
    if value is None:
        return ""
    number = f"{value:.1%}" if name.endswith(SHARES) else f"{value:.3g}"
    return f"{name.replace('_', ' ')} {number}"
