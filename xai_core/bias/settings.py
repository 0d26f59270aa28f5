"""What a person may set of the figures of bias; sliders and flags are read from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from xai_core.params import Declared, Range, params_of

BOOTSTRAP_SAMPLES, INTERVAL_LEVEL, GROUP_MINIMUM = 1000, 0.95, 30
LEAVE_OUT_SMALL = True
NOTHING = "nothing"  # that bootstrap samples are stratified by
AttackerName = Literal["linear", "MLP"]


@dataclass(frozen=True, kw_only=True)
class Settings(Declared):
    """How figures are computed and how much of them is shown."""

    bootstrap_samples: Annotated[
        int,
        Range(100, 5000, 100, steadier=True),
        "Times that the pictures are drawn anew, for the intervals of the overview.",
    ] = BOOTSTRAP_SAMPLES
    stratify_by: Annotated[
        str,
        "An attribute whose groups are drawn each by itself, so that they keep their sizes in every bootstrap sample.",
    ] = NOTHING
    interval_level: Annotated[float, Range(0.5, 0.99, 0.01), "How sure the intervals are."] = INTERVAL_LEVEL
    group_minimum: Annotated[int, Range(1, 1000, 1), "Pictures that a group needs to be relied on."] = GROUP_MINIMUM
    leave_out_small_groups: Annotated[
        bool,
        "Whether groups with fewer pictures take no part in what compares groups: differences, ratios and disparate "
        "impact. Chance alone makes them the least or the greatest.",
    ] = LEAVE_OUT_SMALL
    classes_shown: Annotated[int, Range(2, 30, 1), "How many classes charts and lists show, the worst first."] = 10


@dataclass(frozen=True, kw_only=True)
class Attack(Declared):
    """How an attribute is told from a model's answers, to measure what these leak."""

    attacker: Annotated[
        AttackerName,
        "What learns to tell the attribute: logistic regression, or a network with a hidden layer (MLP), which also "
        "finds what lies on no line, and takes longer.",
    ] = "linear"


@dataclass(frozen=True, kw_only=True)
class Decision(Declared):
    """When a picture is taken for one class, whatever the others say."""

    threshold: Annotated[float, Range(0, 1, 0.01), "The probability from which a picture is taken for the class."] = 0.5


Settings.id, Settings.title, Settings.params = "bias", "Figures of bias", params_of(Settings)
Attack.id, Attack.title, Attack.params = "leakage", "Leakage", params_of(Attack)
Decision.id, Decision.title, Decision.params = "decision", "Decision", params_of(Decision)
