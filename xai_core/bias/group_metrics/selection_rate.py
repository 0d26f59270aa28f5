"""Selection rate: demographic parity and disparate impact (29 CFR 1607.4(D))."""

from __future__ import annotations

from xai_core.bias.comparing import difference, min_max_ratio
from xai_core.bias.group_counts import Counts
from xai_core.bias.group_metric import ClassComparison, Comparison, GroupMetric, Share, register

FOUR_FIFTHS = 0.8  # 29 CFR 1607.4(D)


def _share(counts: Counts) -> Share:
    return counts.predicted, counts.pictures


DISPARATE_IMPACT = Comparison(
    id="disparate_impact",
    title="Disparate impact",
    meaning=f"The lowest selection rate divided by the highest. Below {FOUR_FIFTHS} it counts as adverse impact "
    "(four-fifths rule). It ignores which predictions were correct.",
    formula="min / max",
    metrics=("selection_rate",),
    compare=min_max_ratio,
    adverse_below=FOUR_FIFTHS,
)
SELECTION_RATE = register(
    GroupMetric(
        id="selection_rate",
        title="Selection rate",
        meaning="share of the group's pictures that were predicted as this class",
        formula="(TP + FP) / pictures",
        direction="neither",
        share=_share,
        undefined="the group has no pictures",
        order=10,
        comparisons=(
            Comparison(
                id="demographic_parity_difference",
                title="Demographic parity difference",
                meaning="The highest selection rate minus the lowest. It ignores whether the groups really differ.",
                formula="max − min",
                metrics=("selection_rate",),
                compare=difference,
            ),
            Comparison(
                id="demographic_parity_ratio",
                title="Demographic parity ratio",
                meaning="The lowest selection rate divided by the highest: disparate impact under fairlearn's name.",
                formula="min / max",
                metrics=("selection_rate",),
                compare=min_max_ratio,
            ),
            DISPARATE_IMPACT,
        ),
        class_comparisons=(
            ClassComparison(
                id="disparate_impact",
                title="Disparate impact",
                meaning="The lowest selection rate divided by the highest; the line marks four fifths.",
                compare=min_max_ratio,
                summarise=min,
                summary_meaning="The class with the lowest min/max ratio of selection rates.",
                worst="lowest",
                adverse_below=FOUR_FIFTHS,
            ),
            ClassComparison(
                id="demographic_parity_difference",
                title="Demographic parity difference",
                meaning="The largest difference in selection rate between two groups.",
                compare=difference,
                summarise=max,
                summary_meaning="The class with the largest difference in selection rate.",
            ),
        ),
    )
)
