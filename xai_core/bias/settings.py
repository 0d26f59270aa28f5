"""What a person may set of the figures of bias; sliders and flags are read from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from xai_core.params import Declared, Range, params_of

REPLICATES, LEVEL, LEAST_PICTURES = 1000, 0.95, 30


@dataclass(frozen=True, kw_only=True)
class Settings(Declared):
    """How figures are computed and how much of them is shown."""

    replicates: Annotated[
        int, Range(100, 5000, 100, steadier=True), "Times that the pictures are drawn anew for the intervals."
    ] = REPLICATES
    level: Annotated[float, Range(0.5, 0.99, 0.01), "How sure the intervals are."] = LEVEL
    least: Annotated[int, Range(1, 1000, 1), "Pictures that a group needs to be relied on."] = LEAST_PICTURES
    shown: Annotated[int, Range(2, 30, 1), "Most mispredicted classes that are shown."] = 10


@dataclass(frozen=True, kw_only=True)
class Decision(Declared):
    """When a picture is taken for one class, whatever the others say."""

    threshold: Annotated[float, Range(0, 1, 0.01), "The probability from which a picture is taken for the class."] = 0.5


Settings.id, Settings.title, Settings.params = "bias", "Figures of bias", params_of(Settings)
Decision.id, Decision.title, Decision.params = "decision", "Decision", params_of(Decision)
