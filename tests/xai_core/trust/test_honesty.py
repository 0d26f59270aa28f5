"""The warnings about one map, on maps made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xai_core.methods  # noqa: F401
from xai_core.method import method_named
from xai_core.trust.honesty import Finding, all_alike, warnings
from xai_core.types import Capability, Card, Estimate, InputSpec

SIDE = 20


def a_map(seed=0):
    """Return a map with a smooth peak in the middle and a little weight everywhere."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    return np.exp(-(rows**2 + columns**2) / 30).astype(np.float32)[None] + np.float32(0.001)


@pytest.fixture
def finding():
    """A finding without anything to warn about."""
    return Finding(
        method=method_named("saliency")(score="logit"),
        card=Card("onnx", "onnx", 3, InputSpec(SIDE, SIDE), Capability.PREDICT),
        estimate=Estimate(1.0, a_map()),
        image=np.random.default_rng(5).random((SIDE, SIDE, 3), np.float32),
        picture_size=(300, 400),
        probabilities=np.array([0.7, 0.2995, 0.0005], np.float32),
        targets=np.array([0]),
        names=("cat",),
    )


def only(finding, **changes):
    """Return the single warning that a change causes."""
    (sentence,) = warnings(replace(finding, **changes))
    assert sentence.endswith(".")
    return sentence


def test_a_sound_map_gets_no_warning(finding):
    assert warnings(finding) == ()


def test_a_map_of_zeros_is_warned_about(finding):
    estimate = Estimate(1.0, np.zeros((1, SIDE, SIDE), np.float32))
    assert "same everywhere" in only(finding, estimate=estimate)


def test_a_map_that_is_constant_up_to_rounding_is_warned_about(finding):
    estimate = Estimate(1.0, np.float32(3) + np.float32(1e-7) * a_map())
    assert "same everywhere" in only(finding, estimate=estimate)


def test_a_map_emptied_by_positive_only_points_to_that_switch(finding):
    empty, cam = Estimate(1.0, np.zeros((1, SIDE, SIDE), np.float32)), method_named("grad_cam")
    assert 'Switch off "Positive only"' in only(finding, estimate=empty, method=cam(positive_only=True))
    assert "Try a different layer." in only(finding, estimate=empty, method=cam(positive_only=False))


@pytest.mark.parametrize(
    ("method", "gives", "advice"),
    [
        ("occlusion", "logit", "a different fill."),
        ("rise", "logit", "a different score."),
        ("rise", "probability", "a different method."),
        ("saliency", "logit", "a different score."),
        ("deeplift", "probability", "a different baseline."),
    ],
)
def test_the_advice_for_a_constant_map_names_a_setting_of_the_method(finding, method, gives, advice):
    settings = {"baseline": "noise"} if method == "deeplift" else {}
    changed = {"method": method_named(method)(**settings), "card": replace(finding.card, gives=gives)}
    assert only(finding, estimate=Estimate(1.0, np.zeros((1, SIDE, SIDE), np.float32)), **changed).endswith(advice)


def test_a_saturated_probability_points_to_the_logit(finding):
    sure = {"probabilities": np.array([0.9999, 0, 0], np.float32), "method": method_named("saliency")()}
    sure["method"] = method_named("saliency")(score="probability")
    assert "Explain the logit" in only(finding, **sure)
    ends_in_probabilities = replace(finding.card, gives="probability")
    assert "method that hides parts" in only(finding, **sure, card=ends_in_probabilities)


def test_a_saturated_probability_is_harmless_where_the_map_accounts_for_it(finding):
    sure = np.array([0.9999, 0, 0], np.float32)
    path = method_named("integrated_gradients")(score="probability", baseline="noise")
    estimate = Estimate(1.0, a_map(), {"completeness_error": (0.01,)})
    assert warnings(replace(finding, probabilities=sure, method=path, estimate=estimate)) == ()
    hiding = method_named("occlusion")(fill="black")
    assert warnings(replace(finding, probabilities=sure, method=hiding)) == ()
    unmoved = Estimate(1.0, a_map() * 1e-3)
    assert "so close to 100%" in only(finding, probabilities=sure, method=hiding, estimate=unmoved)


def test_shares_that_add_up_by_construction_do_not_account_for_a_saturated_probability(finding):
    sure = np.array([0.9999, 0, 0], np.float32)
    estimate = Estimate(1.0, a_map() * 1e-3, {"efficiency_error": (0.0,)})
    assert "so close to 100%" in only(finding, probabilities=sure, method=method_named("shapley")(), estimate=estimate)


def test_an_unlikely_class_is_warned_about(finding):
    assert "less than 1% (0.05%)" in only(finding, targets=np.array([2]), names=("emu",))


def test_a_class_blind_method_is_warned_about(finding):
    assert "same map for every class" in only(finding, method=method_named("eigen_cam")())


def test_a_slightly_class_sensitive_method_gets_no_warning(finding):
    assert method_named("layercam").class_sensitivity == "low"
    assert warnings(replace(finding, method=method_named("layercam")())) == ()


def test_a_baseline_that_looks_like_the_picture_is_warned_about(finding):
    image = finding.image.copy()
    image[:10] = 0.02
    path = method_named("integrated_gradients")
    assert "50% of the picture looks like the baseline (black)" in only(finding, image=image, method=path())
    assert warnings(replace(finding, image=image, method=path(baseline="white"))) == ()


def test_a_fill_that_looks_like_the_picture_is_warned_about(finding):
    image = finding.image.copy()
    image[:10] = 0.5
    assert "looks like the fill (grey)" in only(finding, image=image, method=method_named("occlusion")(score="logit"))


def test_a_map_at_the_border_is_warned_about(finding):
    maps = a_map() * 0.01
    maps[:, 0] = 1
    assert "5% of the picture's border" in only(finding, estimate=Estimate(1.0, maps))


def test_an_evenly_spread_map_is_not_at_the_border(finding):
    maps = np.random.default_rng(0).random((1, SIDE, SIDE), np.float32)
    assert warnings(replace(finding, estimate=Estimate(1.0, maps))) == ()


def test_a_picture_smaller_than_the_input_is_warned_about(finding):
    assert "8 × 5 pixels and was enlarged 4.0-fold" in only(finding, picture_size=(5, 8))


@pytest.mark.parametrize(("value", "warning"), [(0.0, "black picture"), (0.6, "picture of a single colour")])
def test_an_empty_picture_is_warned_about(finding, value, warning):
    assert warning in only(finding, image=np.full((SIDE, SIDE, 3), value, np.float32))


def test_a_map_that_does_not_add_up_is_warned_about(finding):
    path = method_named("integrated_gradients")(baseline="noise")
    estimate = Estimate(1.0, a_map(), {"completeness_error": (0.123,), "points": (50.0,)})
    assert "misses it by 12%. Use more steps." in only(finding, method=path, estimate=estimate)
    undefined = Estimate(1.0, a_map(), {"completeness_error": (None,)})
    assert warnings(replace(finding, method=path, estimate=undefined)) == ()


def test_a_simple_model_that_does_not_fit_is_warned_about(finding):
    said = only(finding, estimate=Estimate(1.0, a_map(), {"fit_r2": (0.31,)}), method=method_named("lime")())
    assert "only 31%" in said
    assert "fewer superpixels or a different method" in said
    unknown = Estimate(1.0, a_map(), {"fit_r2": (None,)})
    assert warnings(replace(finding, estimate=unknown, method=method_named("lime")())) == ()


def test_each_target_is_judged_by_its_own_figures(finding):
    maps = np.concatenate([a_map(), np.zeros((1, SIDE, SIDE), np.float32)])
    estimate = Estimate(1.0, maps, {"completeness_error": (0.2, None)})
    said = warnings(replace(finding, estimate=estimate, targets=np.array([0, 1]), names=("cat", "dog")))
    assert [sentence.partition(" of ")[2][:3] for sentence in said] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("method", "effort"),
    [
        ("rise", "samples"),
        ("sobol", "rows"),
        ("shapley", "permutations"),
        ("hsic", "samples"),
        ("smoothgrad", "samples"),
        ("gradient_shap", "samples"),
    ],
)
def test_much_noise_is_warned_about_with_the_remedy(finding, method, effort):
    estimate = Estimate(1.0, a_map(), standard_error=np.full((1, SIDE, SIDE), a_map().std() * 0.6))
    assert f"36% of what the map of cat shows may be noise. Use more {effort}." in only(
        finding, estimate=estimate, method=method_named(method)()
    )


def test_a_run_that_was_to_stop_at_much_noise_is_advised_to_stop_at_less(finding):
    estimate = Estimate(1.0, a_map(), standard_error=np.full((1, SIDE, SIDE), a_map().std() * 0.6))
    method = method_named("rise")(stop_at_noise=40.0)
    assert "may be noise. Stop at less noise." in only(finding, estimate=estimate, method=method)


CERTAIN = [np.array([0.9995, 0.0003, 0.0002], np.float32)] * 3


def test_certainty_of_the_same_class_for_every_picture_is_warned_about(finding):
    sentence = all_alike(CERTAIN, ("cat", "dog", "car"), finding.card)
    assert "certain that each of the 3 pictures shows cat" in sentence


@pytest.mark.parametrize(
    "rows",
    [
        [],
        CERTAIN[:2],
        [*CERTAIN[:2], CERTAIN[0][::-1]],
        [*CERTAIN, np.array([0.99, 0.01, 0.0], np.float32)],
    ],
)
def test_few_pictures_different_classes_or_a_doubt_give_no_warning(finding, rows):
    assert all_alike(rows, ("cat", "dog", "car"), finding.card) == ""


def test_several_classes_at_once_are_not_alike(finding):
    assert all_alike(CERTAIN, ("cat", "dog", "car"), replace(finding.card, head="sigmoid")) == ""
