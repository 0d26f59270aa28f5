"""False positive rate, and with recall equalized odds (Hardt, Price, Srebro 2016, arXiv:1610.02413)."""

from __future__ import annotations

from xai_core.bias.comparing import difference, mean, min_max_ratio
from xai_core.bias.group_counts import Counts
from xai_core.bias.group_metric import Comparison, GroupMetric, Share, register

BOTH = ("true_positive_rate", "false_positive_rate")


def _share(counts: Counts) -> Share:
    return counts.false_positives, counts.false_positives + counts.true_negatives


FALSE_POSITIVE_RATE = register(
    GroupMetric(
        id="false_positive_rate",
        title="False positive rate",
        meaning="share of the group's pictures of other classes that were wrongly predicted as this class",
        formula="FP / (FP + TN)",
        direction="lower is better",
        share=_share,
        undefined="no picture of another class",
        order=30,
        comparisons=(
            Comparison(
                id="equalized_odds_difference",
                title="Equalized odds difference",
                meaning="The larger of the differences in recall and in false positive rate.",
                formula="max of both (max − min)",
                metrics=BOTH,
                compare=difference,
                combine=max,
            ),
            Comparison(
                id="equalized_odds_difference_mean",
                title="Equalized odds difference (mean)",
                meaning="The mean of the differences in recall and in false positive rate.",
                formula="mean of both (max − min)",
                metrics=BOTH,
                compare=difference,
                combine=mean,
            ),
            Comparison(
                id="equalized_odds_ratio",
                title="Equalized odds ratio",
                meaning="The smaller of the min/max ratios of recall and of false positive rate.",
                formula="min of both (min / max)",
                metrics=BOTH,
                compare=min_max_ratio,
                combine=min,
            ),
        ),
    )
)
