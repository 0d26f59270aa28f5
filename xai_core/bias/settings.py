"""What can be set on the Bias page and its command; sliders and flags are read from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from xai_core.params import Declared, Range, params_of

BOOTSTRAP_SAMPLES, INTERVAL_LEVEL, GROUP_MINIMUM = 1000, 0.95, 30
NOTHING = "nothing"  # bootstrap samples are not stratified
AttackerName = Literal["linear", "MLP"]


@dataclass(frozen=True, kw_only=True)
class Settings(Declared):
    """How metrics are computed, and how much of them is shown."""

    bootstrap_samples: Annotated[
        int,
        Range(100, 5000, 100, steadier=True),
        "How often the pictures are resampled for the intervals of the overview. More samples give steadier intervals "
        "and take longer.",
    ] = BOOTSTRAP_SAMPLES
    stratify_by: Annotated[
        str,
        "An attribute whose groups are resampled separately, so that each keeps its size in every bootstrap sample.",
    ] = NOTHING
    interval_level: Annotated[
        float, Range(0.5, 0.99, 0.01), "Confidence level of the intervals. A higher level gives wider intervals."
    ] = INTERVAL_LEVEL
    group_minimum: Annotated[
        int, Range(1, 1000, 1), "Groups with fewer pictures than this count as too small to be reliable."
    ] = GROUP_MINIMUM
    leave_out_small_groups: Annotated[
        bool,
        "Leave groups below the group minimum out of everything that compares groups: differences, ratios and "
        "disparate impact. Chance alone often makes them the lowest or the highest.",
    ] = True
    compare_missing: Annotated[
        bool,
        "Include pictures without a value of the attribute in everything that compares groups, as a group of their "
        "own. They mix all values, so a difference to them says little about any of these.",
    ] = False
    classes_shown: Annotated[int, Range(2, 30, 1), "How many classes charts and lists show, worst first."] = 10


@dataclass(frozen=True, kw_only=True)
class Attack(Declared):
    """How leakage is measured: which attacker predicts an attribute from the model's outputs."""

    attacker: Annotated[
        AttackerName,
        "The classifier that predicts the attribute: logistic regression (linear), or a network with one hidden layer "
        "(MLP), which also finds non-linear patterns and takes longer.",
    ] = "linear"


@dataclass(frozen=True, kw_only=True)
class Decision(Declared):
    """The threshold that decides one class, whatever the probabilities of the others."""

    threshold: Annotated[float, Range(0, 1, 0.01), "Pictures are predicted as the class from this probability on."] = (
        0.5
    )


Settings.id, Settings.title, Settings.params = "bias", "Bias metrics", params_of(Settings)
Attack.id, Attack.title, Attack.params = "leakage", "Leakage", params_of(Attack)
Decision.id, Decision.title, Decision.params = "decision", "Decision", params_of(Decision)
