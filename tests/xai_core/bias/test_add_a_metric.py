"""A group metric is one file: docs/add-a-metric.md is followed to the letter."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from scripts.generate_docs import group_metric_tables
from tests.added_metric import added, example
from xai_core.bias.comparing import min_max_ratio
from xai_core.bias.group_comparison import compare_groups, metrics_for
from xai_core.bias.group_metric import GROUP_METRICS, Comparison, GroupMetric, register
from xai_core.bias.group_metrics.selection_rate import DISPARATE_IMPACT
from xai_core.bias.groups import grouped
from xai_core.bias.metrics import metrics
from xai_core.bias.page import page
from xai_core.bias.settings import Settings
from xai_core.bias.tables import csv_tables

ALL_GROUPS = Settings(bootstrap_samples=100, leave_out_small_groups=False)


@pytest.fixture
def found(predictions):
    return predictions([1, 1, 1, 1, 0, 1, 1, 0], [1, 0, 0, 0, 0, 1, 0, 0], group=list("aaaaabbb"))


@pytest.fixture
def false_negative_rate():
    with added(example):
        yield


def test_the_metric_and_its_comparison_are_computed(found, false_negative_rate):
    comparison = compare_groups(found, grouped(found, ["group"]), 1, ALL_GROUPS)
    rates = {group.name: group.rates["false_negative_rate"] for group in comparison.groups}
    assert {name: rate.value for name, rate in rates.items()} == {"a": 0.75, "b": 0.5}
    assert 0 < rates["a"].low < 0.75 < rates["a"].high < 1
    assert comparison.between["false_negative_rate_difference"] == 0.25


def test_the_metric_is_in_metrics_json_and_the_csv_tables(found, false_negative_rate):
    values = metrics(found, ["group"], 1, ALL_GROUPS)
    assert values["groups"]["group"]["by_group"][0]["false_negative_rate"]["value"] == 0.75
    tables = {name: list(csv.DictReader(io.StringIO(text))) for name, text in csv_tables(values).items()}
    assert [float(row["false_negative_rate"]) for row in tables["groups_group.csv"]] == [0.75, 0.5]
    assert float(tables["fairness.csv"][0]["false_negative_rate_difference"]) == 0.25


def test_the_metric_is_in_the_report(found, false_negative_rate):
    report = page([metrics(found, ["group"], 1, ALL_GROUPS)])
    head = '<th title="share of the group&#39;s pictures of this class that were missed">False negative rate</th>'
    assert head in report
    row = re.search(r"<tr><td>False negative rate difference</td><td>(.*?)</td>", report)
    assert row[1] == "0.250"


def test_the_metric_is_in_the_docs(false_negative_rate):
    row = (
        "| False negative rate | `false_negative_rate` | share of the group's pictures of this class that were missed |"
    )
    assert row in group_metric_tables()
    assert "| `false_negative_rate_difference` | max − min |" in group_metric_tables()


def test_without_the_file_nothing_mentions_it(found):
    values = metrics(found, ["group"], 1, ALL_GROUPS)
    assert "false_negative_rate" not in values["groups"]["group"]["by_group"][0]
    assert "False negative rate" not in page([values])


def test_a_metric_can_read_probabilities_and_is_left_out_without_them(predictions):
    mean_probability = GroupMetric(
        id="mean_probability",
        title="Mean probability",
        meaning="mean probability of the class",
        formula="sum of probabilities / pictures",
        direction="neither",
        share=lambda counts: (counts.probability, counts.pictures),
        undefined="the group has no pictures",
        needs_probabilities=True,
    )
    rows = [[0.25, 0.75], [0.5, 0.5], [0.75, 0.25], [1, 0]]
    with added(lambda: register(mean_probability)):
        probable = predictions([0, 1, 0, 1], probabilities=rows, group=list("aabb"))
        comparison = compare_groups(probable, grouped(probable, ["group"]), 1, ALL_GROUPS)
        rates = [group.rates["mean_probability"] for group in comparison.groups]
        assert [(rate.value, rate.low, rate.high) for rate in rates] == [(0.625, None, None), (0.125, None, None)]
        plain = predictions([0, 1, 0, 1], [0, 1, 0, 1], group=list("aabb"))
        assert mean_probability not in metrics_for(plain)


def test_the_four_fifths_rule_is_that_of_disparate_impact_alone(predictions):
    ratio = Comparison(
        id="ratio",
        title="Ratio",
        meaning="",
        formula="min / max",
        metrics=("limited",),
        compare=min_max_ratio,
        adverse_below=0.9,
    )
    limited = replace(GROUP_METRICS["true_positive_rate"], id="limited", comparisons=(ratio,))
    uneven = predictions([1, 1, 1, 0], [1, 0, 1, 0], group=list("aabb"))
    with added(lambda: register(limited)):
        values = metrics(uneven, ["group"], 1, ALL_GROUPS)
    fairness = values["groups"]["group"]["fairness"]
    assert (fairness["ratio"], fairness["disparate_impact"]) == (0.5, 1.0)
    assert fairness["four_fifths_rule_holds"] is True


def test_the_report_states_the_limit_that_is_declared(found, monkeypatch):
    declared = replace(DISPARATE_IMPACT, title="Impact ratio", adverse_below=0.75)
    monkeypatch.setattr("xai_core.bias.page.DISPARATE_IMPACT", declared)
    report = page([metrics(found, ["group"], 1, ALL_GROUPS)])
    assert "Impact ratio below 0.75 counts as adverse impact." in report


def test_two_metrics_cannot_have_one_id():
    recall = GROUP_METRICS["true_positive_rate"]
    with pytest.raises(ValueError, match="Two group metrics or comparisons"):
        register(recall)
    with pytest.raises(ValueError, match="'equal_opportunity_difference'"):
        register(
            GroupMetric(
                id="other",
                title="Other",
                meaning="",
                formula="",
                direction="neither",
                share=recall.share,
                undefined="",
                comparisons=recall.comparisons[:1],
            )
        )


def test_every_metric_says_what_it_means():
    for metric in GROUP_METRICS.values():
        assert metric.meaning[0].islower()
        assert not metric.meaning.endswith(".")
        assert metric.undefined
        assert all(each.meaning.endswith(".") for each in metric.comparisons)
        assert all(set(each.metrics) <= set(GROUP_METRICS) for each in metric.comparisons)
