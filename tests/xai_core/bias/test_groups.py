from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from fairlearn import metrics as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_score

from vitrine.samples import sample_predictions
from xai_core.bias.class_gaps import all_gaps, class_gaps, impact_ratios
from xai_core.bias.group_accuracy import accuracies, widest
from xai_core.bias.groups import RATES, UNKNOWN, compared, fairness, grouped
from xai_core.bias.settings import Settings
from xai_core.bias.summary import wilson
from xai_core.errors import DataError

SEEDS = st.integers(0, 2**32 - 1)
EVERY_GROUP = Settings(leave_out_small_groups=False)
of_all = partial(fairness, leave_out=False)


def rates(apart, name):
    return {one.name: one.rates[name].value for one in apart.groups}


def test_the_case_of_two_groups(case, predictions):
    given_, expected = case("group_binary")
    found = predictions(given_["y_true"], given_["y_pred"], group=given_["group"])
    apart = of_all(found, grouped(found, ["group"]), 1)
    names = ("selection_rate", "tpr", "fpr", "ppv")
    for rate, name in zip(RATES, names, strict=True):
        assert rates(apart, rate) == pytest.approx(expected[name], abs=1e-9)
    for name in ("demographic_parity_difference", "demographic_parity_ratio", "predictive_parity_difference"):
        assert getattr(apart, name) == pytest.approx(expected[name], abs=1e-9)
    assert apart.equal_opportunity_difference == pytest.approx(expected["equal_opportunity_difference"])
    assert apart.equal_opportunity_ratio == pytest.approx(expected["equal_opportunity_ratio"])
    assert apart.equalized_odds_difference == pytest.approx(expected["equalized_odds_difference_worst_case"])
    assert apart.equalized_odds_difference_mean == pytest.approx(expected["equalized_odds_difference_mean"])
    assert apart.equalized_odds_ratio == pytest.approx(expected["equalized_odds_ratio_worst_case"])
    whole = accuracies(found, grouped(found, ["group"]), EVERY_GROUP)
    assert [one.accuracy.value for one in whole.groups] == pytest.approx([*expected["accuracy"].values()], abs=1e-9)
    assert whole.accuracy_difference == expected["accuracy_parity_difference"]
    assert apart.four_fifths is expected["four_fifths_pass"]


def test_the_case_of_three_classes(case, predictions):
    given_, expected = case("group_multiclass")
    found = predictions(given_["y_true"], given_["y_pred"], attr=given_["attr"])
    gaps = class_gaps(found, grouped(found, ["attr"]))
    for name, gap in enumerate(gaps):
        assert [*gap.rates.values()] == pytest.approx(expected["prediction_rate_by_class_by_group"][str(name)])
        assert [*gap.recalls.values()] == expected["tpr_by_class_by_group"][str(name)]
        assert gap.opportunity_discrepancy == expected["opportunity_discrepancy_per_class"][str(name)]
        assert gap.disparate_impact == pytest.approx(expected["di_classwise_group_min_over_max"][str(name)])
        signed = expected["opportunity_discrepancy_signed_g0_minus_g1"][str(name)]
        assert gap.recalls["0"] - gap.recalls["1"] == signed
    whole = all_gaps(gaps)
    assert whole.demographic_parity_difference == pytest.approx(expected["multiclass_dp_max_difference"])
    assert whole.opportunity_discrepancy == pytest.approx(expected["opportunity_discrepancy_mean"])
    assert whole.disparate_impact == pytest.approx(min(expected["di_classwise_group_min_over_max"].values()))


@given(SEEDS, st.integers(2, 80), st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_what_lies_between_groups_is_what_fairlearn_says(drawn, seed, size, groups):
    found = drawn(seed, size, 2, groups)
    names = found.attributes["colour"]
    if len(np.unique(names)) < 2:
        with pytest.raises(DataError, match="one value only"):
            grouped(found, ["colour"])
        return
    apart = of_all(found, grouped(found, ["colour"]), 1)
    given_ = {"y_true": found.truth, "y_pred": found.predicted, "sensitive_features": names}
    assert apart.demographic_parity_difference == pytest.approx(theirs.demographic_parity_difference(**given_))
    ratio = theirs.demographic_parity_ratio(**given_)
    assert apart.demographic_parity_ratio == (None if np.isnan(ratio) else pytest.approx(ratio))
    both = [set(found.truth[names == name]) for name in np.unique(names)]
    if all(len(one) == 2 for one in both):
        agree_on_errors(apart, given_)
    else:
        assert apart.equalized_odds_difference is apart.equalized_odds_ratio is None


@given(SEEDS, st.integers(20, 80), st.integers(2, 5))
@settings(max_examples=10, deadline=None)
def test_the_accuracy_of_a_group_is_about_all_classes(drawn, seed, size, classes):
    found = drawn(seed, size, classes, 3)
    names = found.attributes["colour"]
    whole = accuracies(found, names, EVERY_GROUP)
    frame = theirs.MetricFrame(
        metrics=accuracy_score, y_true=found.truth, y_pred=found.predicted, sensitive_features=names
    )
    assert {one.name: one.accuracy.value for one in whole.groups} == pytest.approx(frame.by_group.to_dict())
    if len(whole.groups) > 1:
        assert whole.accuracy_difference == pytest.approx(frame.difference())
        assert whole.accuracy_std == pytest.approx(np.std(frame.by_group))
        assert whole.greatest.accuracy.value - whole.least.accuracy.value == whole.accuracy_difference


def test_the_sample_serves_green_ink_better_although_one_class_alone_says_the_opposite():
    found = sample_predictions()
    whole = accuracies(found, grouped(found, ["colour"]))
    right = {name: found.chosen(found.attributes["colour"] == name) for name in ("green", "red")}
    for one in whole.groups:
        own = right[one.name]
        hits = int((own.predicted == own.truth).sum())
        assert (one.samples, one.accuracy.value) == (len(own), hits / len(own))
        assert (one.accuracy.low, one.accuracy.high) == wilson(hits, len(own))
    assert (whole.least.name, whole.greatest.name) == ("red", "green")
    five = {name: ((own.predicted == 5) == (own.truth == 5)).mean() for name, own in right.items()}
    assert five["red"] > five["green"]


def agree_on_errors(apart, given_):
    assert apart.equal_opportunity_difference == pytest.approx(theirs.equal_opportunity_difference(**given_))
    assert apart.equalized_odds_difference == pytest.approx(theirs.equalized_odds_difference(**given_))
    mean = theirs.equalized_odds_difference(**given_, agg="mean")
    assert apart.equalized_odds_difference_mean == pytest.approx(mean)
    if apart.equalized_odds_ratio is not None:
        assert apart.equalized_odds_ratio == pytest.approx(theirs.equalized_odds_ratio(**given_))
    for rate, metric in (
        ("true_positive_rate", theirs.true_positive_rate),
        ("false_positive_rate", theirs.false_positive_rate),
    ):
        frame = theirs.MetricFrame(metrics=metric, **given_)
        assert rates(apart, rate) == pytest.approx(frame.by_group.to_dict())


def test_what_compares_a_rate_that_a_group_lacks_is_not_defined_and_the_group_is_named(predictions):
    found = predictions([1, 1, 0, 0, 0, 0, 1], [1, 0, 0, 1, 0, 0, 1], group=list("AAABBCC"))
    apart = of_all(found, grouped(found, ["group"]), 1)
    assert rates(apart, "true_positive_rate") == {"A": 0.5, "B": None, "C": 1.0}
    assert apart.undefined == {"true_positive_rate": ("B",)}
    compared = ("equal_opportunity_difference", "equal_opportunity_ratio", "equalized_odds_difference")
    compared += ("equalized_odds_difference_mean", "equalized_odds_ratio")
    assert [getattr(apart, name) for name in compared] == [None] * 5
    assert apart.demographic_parity_difference == pytest.approx(1 / 2 - 1 / 3)
    assert apart.predictive_parity_difference == 1


def test_a_group_without_pictures_of_other_classes_has_no_equalized_odds(predictions):
    found = predictions([1, 1, 0, 0, 1, 1], [1, 0, 0, 1, 1, 1], group=list("AAAABB"))
    apart = of_all(found, grouped(found, ["group"]), 1)
    assert apart.undefined == {"false_positive_rate": ("B",)}
    assert apart.equal_opportunity_difference == 0.5
    assert apart.equalized_odds_difference is apart.equalized_odds_ratio is None


def test_a_class_of_which_a_group_has_no_picture_has_no_opportunity_discrepancy(predictions):
    found = predictions([0, 0, 1, 0, 1, 1, 1, 1, 1], [0, 1, 1, 0, 1, 0, 1, 1, 1], group=list("AAABBBCCC"))
    gaps = class_gaps(found, grouped(found, ["group"]))
    assert gaps[0].recalls == {"A": 0.5, "B": 1.0, "C": None}
    assert gaps[0].opportunity_discrepancy is None
    assert gaps[1].opportunity_discrepancy == 0.5
    assert all_gaps(gaps).opportunity_discrepancy == 0.5


def test_two_groups_of_which_one_has_no_such_picture_can_not_be_compared(predictions):
    found = predictions([1, 1, 0, 0, 0], [1, 0, 0, 1, 0], group=list("AAABB"))
    apart = of_all(found, grouped(found, ["group"]), 1)
    assert (
        apart.equal_opportunity_difference is apart.equal_opportunity_ratio is apart.equalized_odds_difference is None
    )
    assert apart.demographic_parity_difference is not None


def test_a_class_that_nobody_is_taken_for_has_no_disparate_impact(predictions):
    found = predictions([1, 0, 1, 0], [0, 0, 0, 0], group=list("AABB"))
    apart = of_all(found, grouped(found, ["group"]), 1)
    assert (apart.disparate_impact, apart.four_fifths, apart.predictive_parity_difference) == (None, None, None)
    assert apart.undefined == {"positive_predictive_value": ("A", "B")}
    assert class_gaps(found, grouped(found, ["group"]))[1].disparate_impact is None


def test_exactly_four_fifths_is_enough(predictions):
    groups = ["A"] * 100 + ["B"] * 100
    predicted = [1] * 24 + [0] * 76 + [1] * 30 + [0] * 70
    found = predictions(np.zeros(200), predicted, group=groups)
    assert of_all(found, grouped(found, ["group"]), 1).four_fifths is True  # 0.24 / 0.3 is 0.7999999999999999


def test_small_groups_are_marked_and_intervals_follow_the_level(predictions):
    found = predictions([1] * 50, [1] * 40 + [0] * 10, group=["A"] * 20 + ["B"] * 30)
    groups = grouped(found, ["group"])
    assert [one.small for one in fairness(found, groups, 1).groups] == [True, False]
    assert not any(one.small for one in fairness(found, groups, 1, group_minimum=5).groups)
    rate = fairness(found, groups, 1, interval_level=0.8).groups[1].rates["true_positive_rate"]
    assert (rate.low, rate.high) == wilson(20, 30, 0.8)
    assert precision_score(found.truth, found.predicted) == 1


def test_two_attributes_are_crossed(predictions):
    found = predictions([0, 1, 0, 1], [0, 1, 1, 1], sex=["f", "m", "f", ""], age=["old", "old", "young", "old"])
    assert grouped(found, ["sex", "age"]).tolist() == ["f × old", "m × old", "f × young", f"{UNKNOWN} × old"]


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        (["height"], "no attribute called 'height'; the table has sex, one"),
        (["one"], "one has one value only, 'x'"),
    ],
)
def test_what_makes_no_groups_is_refused(predictions, attributes, sentence):
    found = predictions([0, 1], [0, 1], sex=["f", "m"], one=["x", "x"])
    with pytest.raises(DataError, match=sentence):
        grouped(found, attributes)


def test_a_privileged_group_may_have_the_lesser_share(predictions):
    found = predictions(np.zeros(9), [1, 0, 0, 1, 1, 0, 0, 0, 0], group=list("AAABBBCCC"))
    gap = class_gaps(found, grouped(found, ["group"]))[1]
    assert impact_ratios(gap, "A") == pytest.approx({"B": 2.0, "C": 0.0})
    assert impact_ratios(gap, "C") == {"A": None, "B": None}


def test_a_tiny_group_decides_nothing_unless_that_is_asked_for(predictions):
    groups = ["a"] * 40 + ["b"] * 40 + ["tiny"] * 2
    found = predictions(([0, 1] * 20) * 2 + [1, 1], ([0, 1] * 20) * 2 + [0, 0], group=groups)
    names = grouped(found, ["group"])
    apart = fairness(found, names, 1)
    assert (apart.left_out, apart.disparate_impact, apart.four_fifths) == (("tiny",), 1.0, True)
    assert [one.name for one in apart.groups] == ["a", "b", "tiny"]
    with_all = of_all(found, names, 1)
    assert (with_all.left_out, with_all.disparate_impact, with_all.four_fifths) == ((), 0.0, False)
    assert accuracies(found, names).accuracy_difference == 0
    assert accuracies(found, names, EVERY_GROUP).accuracy_difference == 1
    gap, every = (class_gaps(found, names, compared(names, leave_out=left))[1] for left in (True, False))
    assert (gap.opportunity_discrepancy, gap.disparate_impact, gap.recalls["tiny"]) == (0, 1, 0)
    assert (every.opportunity_discrepancy, every.disparate_impact) == (1, 0)


def test_a_rate_that_only_a_tiny_group_lacks_leaves_the_comparison_defined(predictions):
    found = predictions([0, 1] * 40 + [0], [0, 1] * 40 + [0], group=["a", "a", "b", "b"] * 20 + ["tiny"])
    apart = fairness(found, grouped(found, ["group"]), 1)
    assert rates(apart, "true_positive_rate")["tiny"] is None
    assert (apart.undefined, apart.equal_opportunity_difference) == ({}, 0)


def test_one_group_with_enough_pictures_is_compared_with_nothing(predictions):
    found = predictions([0, 1] * 20, [0, 1] * 20, group=["a"] * 35 + ["b"] * 5)
    names = grouped(found, ["group"])
    apart, whole = fairness(found, names, 1), accuracies(found, names)
    assert apart.disparate_impact is apart.four_fifths is apart.equal_opportunity_difference is None
    assert whole.least is whole.greatest is whole.accuracy_difference is whole.accuracy_std is None
    assert widest(found, ["group"]) is None


def test_groups_of_numbers_stand_in_their_order(predictions):
    ages = ["20-29", "0-2", "10-19", "3-9", "more than 70"]
    found = predictions([0, 1, 0, 1, 0], [0, 1, 1, 1, 0], age=ages)
    order = ["0-2", "3-9", "10-19", "20-29", "more than 70"]
    names = grouped(found, ["age"])
    assert [one.name for one in fairness(found, names, 1).groups] == order
    assert [one.name for one in accuracies(found, names).groups] == order
    assert list(class_gaps(found, names)[0].recalls) == order


def test_the_attribute_whose_groups_lie_furthest_apart_is_found(predictions):
    found = predictions([0] * 80, [0] * 60 + [1] * 20, half=["a"] * 40 + ["b"] * 40, turn=["x", "y"] * 40)
    assert widest(found, ["turn", "half"]) == "half"
    assert widest(found, []) is None
