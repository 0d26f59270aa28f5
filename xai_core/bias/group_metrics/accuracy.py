"""Accuracy, about all classes."""

from __future__ import annotations

from xai_core.bias.comparing import difference, spread
from xai_core.bias.group_counts import Counts
from xai_core.bias.group_metric import Comparison, GroupMetric, Share, register


def _share(counts: Counts) -> Share:
    return counts.true_positives.sum(axis=-1), counts.actual.sum(axis=-1)


ACCURACY = register(
    GroupMetric(
        id="accuracy",
        title="Accuracy",
        meaning="share of the group's pictures that were predicted correctly",
        formula="correct / pictures",
        direction="higher is better",
        share=_share,
        undefined="the group has no pictures",
        scope="all classes",
        order=0,
        comparisons=(
            Comparison(
                id="accuracy_difference",
                title="Accuracy difference",
                meaning="The highest accuracy minus the lowest. It hides which kind of error differs.",
                formula="max − min",
                metrics=("accuracy",),
                compare=difference,
            ),
            Comparison(
                id="accuracy_std",
                title="Accuracy std",
                meaning="How much accuracy varies between groups (standard deviation).",
                formula="population standard deviation",
                metrics=("accuracy",),
                compare=spread,
            ),
        ),
    )
)
