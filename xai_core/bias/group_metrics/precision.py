"""Precision (positive predictive value): predictive parity (Chouldechova 2017, arXiv:1610.07524)."""

from __future__ import annotations

from xai_core.bias.comparing import difference
from xai_core.bias.group_counts import Counts
from xai_core.bias.group_metric import Comparison, GroupMetric, Share, register


def _share(counts: Counts) -> Share:
    return counts.true_positives, counts.predicted


PRECISION = register(
    GroupMetric(
        id="positive_predictive_value",
        title="Precision",
        meaning="share of the group's pictures predicted as this class that really belong to it "
        "(positive predictive value)",
        formula="TP / (TP + FP)",
        direction="higher is better",
        share=_share,
        undefined="nothing was predicted as this class",
        order=40,
        comparisons=(
            Comparison(
                id="predictive_parity_difference",
                title="Predictive parity difference",
                meaning="The highest precision minus the lowest: whose positive predictions are less reliable.",
                formula="max − min",
                metrics=("positive_predictive_value",),
                compare=difference,
            ),
        ),
    )
)
