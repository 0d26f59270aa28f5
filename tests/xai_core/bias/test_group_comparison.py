from __future__ import annotations

import numpy as np
import pytest
from fairlearn import metrics as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_score

from vitrine.samples import sample_predictions
from xai_core.bias.class_gaps import class_gaps, summarised
from xai_core.bias.group_comparison import compare_groups, widest
from xai_core.bias.group_metric import comparisons, metrics_of
from xai_core.bias.groups import UNKNOWN, compared, grouped
from xai_core.bias.rates import wilson
from xai_core.bias.settings import Settings
from xai_core.errors import DataError

SEEDS = st.integers(0, 2**32 - 1)
EVERY_GROUP = Settings(leave_out_small_groups=False)
(IMPACT,) = (each for each in comparisons() if each.id == "disparate_impact")


def of_all(predictions, groups, positive):
    return compare_groups(predictions, groups, positive, EVERY_GROUP)


def rates(comparison, metric):
    return {group.name: group.rates[metric].value for group in comparison.groups}


def test_the_case_of_two_groups(case, predictions):
    given_, expected = case("group_binary")
    found = predictions(given_["y_true"], given_["y_pred"], group=given_["group"])
    apart = of_all(found, grouped(found, ["group"]), 1)
    names = ("selection_rate", "tpr", "fpr", "ppv")
    for metric, name in zip(metrics_of("one class"), names, strict=True):
        assert rates(apart, metric.id) == pytest.approx(expected[name], abs=1e-9)
    cases = {
        "demographic_parity_difference": "demographic_parity_difference",
        "demographic_parity_ratio": "demographic_parity_ratio",
        "disparate_impact": "demographic_parity_ratio",
        "predictive_parity_difference": "predictive_parity_difference",
        "equal_opportunity_difference": "equal_opportunity_difference",
        "equal_opportunity_ratio": "equal_opportunity_ratio",
        "equalized_odds_difference": "equalized_odds_difference_worst_case",
        "equalized_odds_difference_mean": "equalized_odds_difference_mean",
        "equalized_odds_ratio": "equalized_odds_ratio_worst_case",
        "accuracy_difference": "accuracy_parity_difference",
    }
    assert {key: apart.between[key] for key in cases} == pytest.approx(
        {key: expected[name] for key, name in cases.items()}
    )
    assert [*rates(apart, "accuracy").values()] == pytest.approx([*expected["accuracy"].values()], abs=1e-9)
    assert apart.is_adverse(IMPACT) is not expected["four_fifths_pass"]


def test_the_case_of_three_classes(case, predictions):
    given_, expected = case("group_multiclass")
    found = predictions(given_["y_true"], given_["y_pred"], attr=given_["attr"])
    gaps = class_gaps(found, grouped(found, ["attr"]))
    for name, gap in enumerate(gaps):
        selected, recalls = gap.by_group["selection_rate"], gap.by_group["true_positive_rate"]
        assert [*selected.values()] == pytest.approx(expected["prediction_rate_by_class_by_group"][str(name)])
        assert [*recalls.values()] == expected["tpr_by_class_by_group"][str(name)]
        assert gap.between["opportunity_discrepancy"] == expected["opportunity_discrepancy_per_class"][str(name)]
        impact = expected["di_classwise_group_min_over_max"][str(name)]
        assert gap.between["disparate_impact"] == pytest.approx(impact)
        signed = expected["opportunity_discrepancy_signed_g0_minus_g1"][str(name)]
        assert recalls["0"] - recalls["1"] == signed
    overall = summarised(gaps)
    assert overall["demographic_parity_difference"] == pytest.approx(expected["multiclass_dp_max_difference"])
    assert overall["opportunity_discrepancy"] == pytest.approx(expected["opportunity_discrepancy_mean"])
    assert overall["disparate_impact"] == pytest.approx(min(expected["di_classwise_group_min_over_max"].values()))


@given(SEEDS, st.integers(2, 80), st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_comparisons_agree_with_fairlearn(drawn, seed, size, groups):
    found = drawn(seed, size, 2, groups)
    names = found.attributes["colour"]
    if len(np.unique(names)) < 2:
        with pytest.raises(DataError, match="only one value"):
            grouped(found, ["colour"])
        return
    apart = of_all(found, grouped(found, ["colour"]), 1)
    given_ = {"y_true": found.truth, "y_pred": found.predicted, "sensitive_features": names}
    assert apart.between["demographic_parity_difference"] == pytest.approx(
        theirs.demographic_parity_difference(**given_)
    )
    ratio = theirs.demographic_parity_ratio(**given_)
    assert apart.between["demographic_parity_ratio"] == (None if np.isnan(ratio) else pytest.approx(ratio))
    both = [set(found.truth[names == name]) for name in np.unique(names)]
    if all(len(one) == 2 for one in both):
        agree_on_errors(apart, given_)
    else:
        assert apart.between["equalized_odds_difference"] is apart.between["equalized_odds_ratio"] is None


@given(SEEDS, st.integers(20, 80), st.integers(2, 5))
@settings(max_examples=10, deadline=None)
def test_the_accuracy_of_a_group_covers_all_classes(drawn, seed, size, classes):
    found = drawn(seed, size, classes, 3)
    names = found.attributes["colour"]
    whole = of_all(found, names, 0)
    frame = theirs.MetricFrame(
        metrics=accuracy_score, y_true=found.truth, y_pred=found.predicted, sensitive_features=names
    )
    assert rates(whole, "accuracy") == pytest.approx(frame.by_group.to_dict())
    if len(whole.groups) > 1:
        lowest, highest = (group.rates["accuracy"].value for group in whole.extremes("accuracy"))
        assert whole.between["accuracy_difference"] == pytest.approx(frame.difference())
        assert whole.between["accuracy_std"] == pytest.approx(np.std(frame.by_group))
        assert highest - lowest == whole.between["accuracy_difference"]


def test_the_sample_is_more_accurate_on_green_ink_although_class_5_alone_says_the_opposite():
    found = sample_predictions()
    whole = compare_groups(found, grouped(found, ["colour"]), 5)
    right = {name: found.chosen(found.attributes["colour"] == name) for name in ("green", "red")}
    for group in whole.groups:
        own, accuracy = right[group.name], group.rates["accuracy"]
        hits = int((own.predicted == own.truth).sum())
        assert (group.pictures, accuracy.value) == (len(own), hits / len(own))
        assert (accuracy.low, accuracy.high) == wilson(hits, len(own))
    assert [group.name for group in whole.extremes("accuracy")] == ["red", "green"]
    five = {name: ((own.predicted == 5) == (own.truth == 5)).mean() for name, own in right.items()}
    assert five["red"] > five["green"]


def agree_on_errors(apart, given_):
    assert apart.between["equal_opportunity_difference"] == pytest.approx(theirs.equal_opportunity_difference(**given_))
    assert apart.between["equalized_odds_difference"] == pytest.approx(theirs.equalized_odds_difference(**given_))
    mean = theirs.equalized_odds_difference(**given_, agg="mean")
    assert apart.between["equalized_odds_difference_mean"] == pytest.approx(mean)
    if apart.between["equalized_odds_ratio"] is not None:
        assert apart.between["equalized_odds_ratio"] == pytest.approx(theirs.equalized_odds_ratio(**given_))
    for rate, metric in (
        ("true_positive_rate", theirs.true_positive_rate),
        ("false_positive_rate", theirs.false_positive_rate),
    ):
        frame = theirs.MetricFrame(metrics=metric, **given_)
        assert rates(apart, rate) == pytest.approx(frame.by_group.to_dict())


def test_a_comparison_is_undefined_if_a_group_lacks_the_rate_and_the_group_is_named(predictions):
    found = predictions([1, 1, 0, 0, 0, 0, 1], [1, 0, 0, 1, 0, 0, 1], group=list("AAABBCC"))
    apart = of_all(found, grouped(found, ["group"]), 1)
    assert rates(apart, "true_positive_rate") == {"A": 0.5, "B": None, "C": 1.0}
    assert apart.undefined == {"true_positive_rate": ("B",)}
    compared = ("equal_opportunity_difference", "equal_opportunity_ratio", "equalized_odds_difference")
    compared += ("equalized_odds_difference_mean", "equalized_odds_ratio")
    assert [apart.between[name] for name in compared] == [None] * 5
    assert apart.between["demographic_parity_difference"] == pytest.approx(1 / 2 - 1 / 3)
    assert apart.between["predictive_parity_difference"] == 1


def test_a_group_without_pictures_of_other_classes_has_no_equalized_odds(predictions):
    found = predictions([1, 1, 0, 0, 1, 1], [1, 0, 0, 1, 1, 1], group=list("AAAABB"))
    apart = of_all(found, grouped(found, ["group"]), 1)
    assert apart.undefined == {"false_positive_rate": ("B",)}
    assert apart.between["equal_opportunity_difference"] == 0.5
    assert apart.between["equalized_odds_difference"] is apart.between["equalized_odds_ratio"] is None


def test_opportunity_discrepancy_is_undefined_if_a_group_has_no_picture_of_the_class(predictions):
    found = predictions([0, 0, 1, 0, 1, 1, 1, 1, 1], [0, 1, 1, 0, 1, 0, 1, 1, 1], group=list("AAABBBCCC"))
    gaps = class_gaps(found, grouped(found, ["group"]))
    assert gaps[0].by_group["true_positive_rate"] == {"A": 0.5, "B": 1.0, "C": None}
    assert gaps[0].between["opportunity_discrepancy"] is None
    assert gaps[1].between["opportunity_discrepancy"] == 0.5
    assert summarised(gaps)["opportunity_discrepancy"] == 0.5


def test_two_groups_cannot_be_compared_if_one_has_no_picture_of_the_class(predictions):
    found = predictions([1, 1, 0, 0, 0], [1, 0, 0, 1, 0], group=list("AAABB"))
    apart = of_all(found, grouped(found, ["group"]), 1)
    assert (
        apart.between["equal_opportunity_difference"]
        is apart.between["equal_opportunity_ratio"]
        is apart.between["equalized_odds_difference"]
        is None
    )
    assert apart.between["demographic_parity_difference"] is not None


def test_a_class_that_is_never_predicted_has_no_disparate_impact(predictions):
    found = predictions([1, 0, 1, 0], [0, 0, 0, 0], group=list("AABB"))
    apart = of_all(found, grouped(found, ["group"]), 1)
    assert (
        apart.between["disparate_impact"],
        apart.is_adverse(IMPACT),
        apart.between["predictive_parity_difference"],
    ) == (None, None, None)
    assert apart.undefined == {"positive_predictive_value": ("A", "B")}
    assert class_gaps(found, grouped(found, ["group"]))[1].between["disparate_impact"] is None


def test_exactly_four_fifths_is_enough(predictions):
    groups = ["A"] * 100 + ["B"] * 100
    predicted = [1] * 24 + [0] * 76 + [1] * 30 + [0] * 70
    found = predictions(np.zeros(200), predicted, group=groups)
    assert of_all(found, grouped(found, ["group"]), 1).is_adverse(IMPACT) is False  # 0.24 / 0.3 is 0.7999999999999999


def test_small_groups_are_marked_and_intervals_follow_the_level(predictions):
    found = predictions([1] * 50, [1] * 40 + [0] * 10, group=["A"] * 20 + ["B"] * 30)
    groups = grouped(found, ["group"])
    assert [one.small for one in compare_groups(found, groups, 1).groups] == [True, False]
    assert not any(one.small for one in compare_groups(found, groups, 1, Settings(group_minimum=5)).groups)
    rate = compare_groups(found, groups, 1, Settings(interval_level=0.8)).groups[1].rates["true_positive_rate"]
    assert (rate.low, rate.high) == wilson(20, 30, 0.8)
    assert precision_score(found.truth, found.predicted) == 1


def test_pictures_without_a_value_stand_apart_unless_they_are_asked_for(predictions):
    found = predictions([0] * 90, [0] * 30 + [0] * 28 + [1] * 2 + [1] * 30, sex=["f"] * 30 + ["m"] * 30 + [""] * 30)
    groups = grouped(found, ["sex"])
    apart = compare_groups(found, groups, 0)
    assert (apart.missing, apart.left_out) == ([UNKNOWN], (UNKNOWN,))
    assert apart.between["accuracy_difference"] == pytest.approx(2 / 30)
    asked = compare_groups(found, groups, 0, Settings(compare_missing=True))
    assert (asked.missing, asked.between["accuracy_difference"]) == ([], 1.0)


def test_a_crossed_group_without_a_value_is_missing_too(predictions):
    found = predictions([0] * 4, [0] * 4, sex=["f", "m", "", "f"], age=["old", "old", "old", ""])
    crossed = grouped(found, ["sex", "age"])
    assert compared(crossed, EVERY_GROUP) == ("f × old", "m × old")


def test_two_attributes_are_crossed(predictions):
    found = predictions([0, 1, 0, 1], [0, 1, 1, 1], sex=["f", "m", "f", ""], age=["old", "old", "young", "old"])
    assert grouped(found, ["sex", "age"]).tolist() == ["f × old", "m × old", "f × young", f"{UNKNOWN} × old"]


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        (["height"], "no attribute named 'height'. Its attributes: sex, one"),
        (["one"], "one has only one value here, 'x'"),
    ],
)
def test_attributes_that_make_no_groups_are_refused(predictions, attributes, sentence):
    found = predictions([0, 1], [0, 1], sex=["f", "m"], one=["x", "x"])
    with pytest.raises(DataError, match=sentence):
        grouped(found, attributes)


def test_a_tiny_group_is_compared_only_if_the_settings_say_so(predictions):
    groups = ["a"] * 40 + ["b"] * 40 + ["tiny"] * 2
    found = predictions(([0, 1] * 20) * 2 + [1, 1], ([0, 1] * 20) * 2 + [0, 0], group=groups)
    names = grouped(found, ["group"])
    apart = compare_groups(found, names, 1)
    assert (apart.left_out, apart.between["disparate_impact"], apart.is_adverse(IMPACT)) == (("tiny",), 1.0, False)
    assert [one.name for one in apart.groups] == ["a", "b", "tiny"]
    with_all = of_all(found, names, 1)
    assert (with_all.left_out, with_all.between["disparate_impact"], with_all.is_adverse(IMPACT)) == ((), 0.0, True)
    assert compare_groups(found, names, 1).between["accuracy_difference"] == 0
    assert with_all.between["accuracy_difference"] == 1
    gap, every = (class_gaps(found, names, compared(names, own))[1] for own in (Settings(), EVERY_GROUP))
    assert (
        gap.between["opportunity_discrepancy"],
        gap.between["disparate_impact"],
        gap.by_group["true_positive_rate"]["tiny"],
    ) == (0, 1, 0)
    assert (every.between["opportunity_discrepancy"], every.between["disparate_impact"]) == (1, 0)


def test_a_rate_that_only_a_tiny_group_lacks_leaves_the_comparison_defined(predictions):
    found = predictions([0, 1] * 40 + [0], [0, 1] * 40 + [0], group=["a", "a", "b", "b"] * 20 + ["tiny"])
    apart = compare_groups(found, grouped(found, ["group"]), 1)
    assert rates(apart, "true_positive_rate")["tiny"] is None
    assert (apart.undefined, apart.between["equal_opportunity_difference"]) == ({}, 0)


def test_one_group_with_enough_pictures_is_compared_with_nothing(predictions):
    found = predictions([0, 1] * 20, [0, 1] * 20, group=["a"] * 35 + ["b"] * 5)
    names = grouped(found, ["group"])
    apart = compare_groups(found, names, 1)
    assert set(apart.between.values()) == {None}
    assert apart.is_adverse(IMPACT) is apart.extremes("accuracy") is None
    assert widest(found, ["group"]) is None


def test_groups_named_by_numbers_are_sorted_by_number(predictions):
    ages = ["20-29", "0-2", "10-19", "3-9", "more than 70"]
    found = predictions([0, 1, 0, 1, 0], [0, 1, 1, 1, 0], age=ages)
    order = ["0-2", "3-9", "10-19", "20-29", "more than 70"]
    names = grouped(found, ["age"])
    assert [one.name for one in compare_groups(found, names, 1).groups] == order
    assert list(class_gaps(found, names)[0].by_group["true_positive_rate"]) == order


def test_the_attribute_whose_groups_differ_most_is_chosen(predictions):
    found = predictions([0] * 80, [0] * 60 + [1] * 20, half=["a"] * 40 + ["b"] * 40, turn=["x", "y"] * 40)
    assert widest(found, ["turn", "half"]) == "half"
    assert widest(found, []) is None
