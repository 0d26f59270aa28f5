"""Finding the right method."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes import LinearNetwork, random_weights
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.detection import methods as detection_methods  # noqa: F401  (registers them)
from xai_core.detection.method import DETECTION_METHODS
from xai_core.errors import ParamError
from xai_core.guide import (
    ADVICE,
    GROUPS,
    catalogue,
    class_in_words,
    groups_of,
    in_order,
    method_of_any_task,
    reason_against,
    sought,
    summary,
)
from xai_core.method import METHODS
from xai_core.types import Capability


def ids(text: str, *groups: str) -> list[str]:
    return [method.id for method in sought(text, groups)]


def test_there_are_six_questions_with_up_to_three_methods_each() -> None:
    assert len(ADVICE) == 6
    assert all(1 <= len(advice.methods) <= 3 for advice in ADVICE)


def test_advice_names_existing_methods() -> None:
    assert {method_id for advice in ADVICE for method_id, _ in advice.methods} <= set(catalogue())


def test_only_the_advice_about_a_box_names_methods_for_boxes() -> None:
    named = {advice.question: {method_id in DETECTION_METHODS for method_id, _ in advice.methods} for advice in ADVICE}
    assert [question for question, of_boxes in named.items() if of_boxes == {True}] == [
        "Why did the detector draw this box?"
    ]
    assert all(len(of_boxes) == 1 for of_boxes in named.values())


def test_advice_for_a_black_box_needs_predictions_only() -> None:
    (advice,) = (advice for advice in ADVICE if "black box" in advice.question)
    assert all(METHODS[method_id].needs == Capability.PREDICT for method_id, _ in advice.methods)


def test_methods_are_sorted_by_group_and_title() -> None:
    keys = [(GROUPS.index(method.group), method.title.casefold()) for method in in_order()]
    assert keys == sorted(keys)
    assert len(keys) == len(METHODS) + len(DETECTION_METHODS)


def test_methods_can_be_listed_by_task() -> None:
    assert {method.id for method in in_order("classify")} == set(METHODS)
    assert {method.id for method in in_order("detect")} == set(DETECTION_METHODS)
    assert groups_of("detect") == ("Detection",)
    assert groups_of("classify") + groups_of("detect") == GROUPS
    assert [method.id for method in sought("", task="detect")] == [method.id for method in in_order("detect")]


def test_method_ids_are_unique() -> None:
    assert not set(METHODS) & set(DETECTION_METHODS)
    assert method_of_any_task("drise") is DETECTION_METHODS["drise"]
    with pytest.raises(ParamError, match="no method called 'magic'; the methods are ablation_cam, ablationcam"):
        method_of_any_task("magic")


def test_a_misspelt_method_is_guessed() -> None:
    with pytest.raises(
        ParamError, match=r"called 'gradcam'; did you mean grad_cam, xgrad_cam or box_gradcam\? The methods are"
    ):
        method_of_any_task("gradcam")


@pytest.mark.parametrize("method_id", sorted(catalogue()))
def test_the_search_finds_each_method_by_title_and_by_id(method_id: str) -> None:
    assert method_id in ids(catalogue()[method_id].title)
    assert method_id in ids(method_id)
    assert summary(catalogue()[method_id]).endswith(".")


@pytest.mark.parametrize("text", ["Grad-CAM++", "grad cam ++", "gradcam++", "GRAD-CAM++"])
def test_the_search_ignores_dashes_spaces_and_case(text: str) -> None:
    assert "grad_cam_plus_plus" in ids(text)
    assert "rise" not in ids(text)


def test_every_word_must_match_and_an_empty_search_matches_all() -> None:
    assert ids("") == [method.id for method in in_order()]
    assert "occlusion" in ids("hide patch")
    assert ids("hide marmalade") == []


def test_groups_narrow_the_search() -> None:
    assert set(ids("", "Perturbation", "Propagation")) == {
        method_id for method_id, method in METHODS.items() if method.group in ("Perturbation", "Propagation")
    }


def test_the_reason_against_a_method_names_what_the_model_lacks() -> None:
    card = LinearNetwork(random_weights(), Capability.PREDICT).card
    card = replace(card, missing={"GRADIENT": "the file holds predictions only."})
    assert reason_against(METHODS["rise"], card) == ""
    assert reason_against(METHODS["saliency"], card) == "Saliency needs gradients; the file holds predictions only."


def test_class_sensitivity_is_put_into_words() -> None:
    assert class_in_words(METHODS["eigen_cam"]) == "class-blind"
    assert class_in_words(METHODS["grad_cam"]) == "class-sensitive"
