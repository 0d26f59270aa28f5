"""Recall (true positive rate): equal opportunity (Hardt, Price, Srebro 2016, arXiv:1610.02413)."""

from __future__ import annotations

from xai_core.bias.comparing import difference, mean, min_max_ratio
from xai_core.bias.group_counts import Counts
from xai_core.bias.group_metric import ClassComparison, Comparison, GroupMetric, Share, register


def _share(counts: Counts) -> Share:
    return counts.true_positives, counts.actual


RECALL = register(
    GroupMetric(
        id="true_positive_rate",
        title="Recall",
        meaning="share of the group's pictures of this class that were predicted as it (true positive rate)",
        formula="TP / (TP + FN)",
        direction="higher is better",
        share=_share,
        undefined="no picture of this class",
        order=20,
        comparisons=(
            Comparison(
                id="equal_opportunity_difference",
                title="Equal opportunity difference",
                meaning="The highest recall minus the lowest: whose pictures are missed more often.",
                formula="max − min",
                metrics=("true_positive_rate",),
                compare=difference,
            ),
            Comparison(
                id="equal_opportunity_ratio",
                title="Equal opportunity ratio",
                meaning="The lowest recall divided by the highest.",
                formula="min / max",
                metrics=("true_positive_rate",),
                compare=min_max_ratio,
            ),
        ),
        class_comparisons=(
            ClassComparison(
                id="opportunity_discrepancy",
                title="Opportunity discrepancy",
                meaning="The largest difference in recall between two groups.",
                compare=difference,
                summarise=mean,
                summary_meaning="The mean over all classes of the largest difference in recall.",
            ),
        ),
    )
)
