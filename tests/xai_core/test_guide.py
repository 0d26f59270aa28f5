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
    return [one.id for one in sought(text, groups)]


def test_there_are_six_questions_with_up_to_three_methods_each() -> None:
    assert len(ADVICE) == 6
    assert all(1 <= len(one.methods) <= 3 for one in ADVICE)


def test_advice_names_methods_that_there_are() -> None:
    assert {id for one in ADVICE for id, _ in one.methods} <= set(catalogue())


def test_advice_for_a_box_names_methods_for_boxes_and_no_other_advice_does() -> None:
    named = {one.question: {id in DETECTION_METHODS for id, _ in one.methods} for one in ADVICE}
    assert [question for question, of_boxes in named.items() if of_boxes == {True}] == [
        "Why did the detector draw this box?"
    ]
    assert all(len(of_boxes) == 1 for of_boxes in named.values())


def test_advice_for_a_black_box_needs_predictions_only() -> None:
    (one,) = (one for one in ADVICE if "black box" in one.question)
    assert all(METHODS[id].needs == Capability.PREDICT for id, _ in one.methods)


def test_methods_come_by_group_and_then_by_title() -> None:
    found = [(GROUPS.index(one.group), one.title.casefold()) for one in in_order()]
    assert found == sorted(found)
    assert len(found) == len(METHODS) + len(DETECTION_METHODS)


def test_methods_for_classes_and_for_boxes_can_be_told_apart() -> None:
    assert {one.id for one in in_order("classify")} == set(METHODS)
    assert {one.id for one in in_order("detect")} == set(DETECTION_METHODS)
    assert groups_of("detect") == ("Detection",)
    assert groups_of("classify") + groups_of("detect") == GROUPS
    assert [one.id for one in sought("", task="detect")] == [one.id for one in in_order("detect")]


def test_no_id_means_two_methods() -> None:
    assert not set(METHODS) & set(DETECTION_METHODS)
    assert method_of_any_task("drise") is DETECTION_METHODS["drise"]
    with pytest.raises(ParamError, match="no method called 'magic'; there are ablation_cam, ablationcam"):
        method_of_any_task("magic")


@pytest.mark.parametrize("id", sorted(catalogue()))
def test_each_method_is_found_by_its_title_and_by_its_id(id: str) -> None:
    assert id in ids(catalogue()[id].title)
    assert id in ids(id)
    assert summary(catalogue()[id]).endswith(".")


@pytest.mark.parametrize("text", ["Grad-CAM++", "grad cam ++", "gradcam++", "GRAD-CAM++"])
def test_dashes_spaces_and_case_do_not_matter(text: str) -> None:
    assert "grad_cam_plus_plus" in ids(text)
    assert "rise" not in ids(text)


def test_every_word_must_be_found_and_no_word_finds_all() -> None:
    assert ids("") == [one.id for one in in_order()]
    assert "occlusion" in ids("hide patch")
    assert ids("hide marmalade") == []


def test_groups_narrow_the_search() -> None:
    assert set(ids("", "Perturbation", "Propagation")) == {
        id for id, one in METHODS.items() if one.group in ("Perturbation", "Propagation")
    }


def test_a_model_that_lacks_something_is_told_why() -> None:
    card = LinearNetwork(random_weights(), Capability.PREDICT).card
    card = replace(card, missing={"GRADIENT": "the file holds predictions only."})
    assert reason_against(METHODS["rise"], card) == ""
    assert reason_against(METHODS["saliency"], card) == "Saliency needs gradients; the file holds predictions only."


def test_class_blind_methods_are_told_apart() -> None:
    assert class_in_words(METHODS["eigen_cam"]) == "class-blind"
    assert class_in_words(METHODS["grad_cam"]) == "class-sensitive"
