"""Choosing a method on the Explain page, and the layers that it looks at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import InstantRunner, all_able, text_of, with_sample
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.guide import in_order
from xai_core.method import METHODS
from xai_core.types import Capability, Layer

LAYERS = "grad_cam.layers"


@pytest.fixture
def by_hand(app: AppTest) -> AppTest:
    """An app that runs nothing by itself."""
    app.session_state["automatic"] = False
    return app


@pytest.fixture
def choosing(by_hand: AppTest, instant: InstantRunner) -> AppTest:
    """The Explain page with Grad-CAM of a model that can do everything."""
    instant.model.card = all_able(instant.model.card)
    by_hand.query_params["method"] = "grad_cam"
    return explaining(by_hand)


def explaining(app: AppTest) -> AppTest:
    with_sample(app)
    return app.switch_page("pages/explain.py").run()


def all_methods(app: AppTest) -> AppTest:
    return app.button(key="all-methods").click().run()


def choices(app: AppTest) -> list[str]:
    keys = [button.key or "" for button in app.button]
    return [key.removeprefix("choose.") for key in keys if key.startswith("choose.")]


def test_the_box_names_the_methods_in_the_order_of_their_groups(choosing: AppTest) -> None:
    assert choosing.selectbox(key="method").options == [each.title for each in in_order("classify")]


def test_the_box_says_what_is_not_for_this_model(by_hand: AppTest) -> None:
    explaining(by_hand)
    assert "Grad-CAM (not possible)" in by_hand.selectbox(key="method").options


def test_the_guide_of_the_chosen_method_stands_below(choosing: AppTest) -> None:
    shown = text_of(choosing).replace("\\", "")
    guide = METHODS["grad_cam"].guide
    assert all(sentence in shown for sentence in (guide.answers, guide.choose, guide.limits))
    assert METHODS["grad_cam"].source in shown


def test_all_methods_lists_every_one_that_explains_a_classifier(choosing: AppTest) -> None:
    assert choices(choosing) == []
    assert choices(all_methods(choosing)) == [one.id for one in in_order("classify")]
    assert not choosing.exception


def test_choosing_from_the_list_asks_that_method_and_closes_the_list(choosing: AppTest) -> None:
    all_methods(choosing).button(key="choose.rise").click().run()
    assert choosing.selectbox(key="method").value == "rise"
    assert choices(choosing) == []
    assert choosing.query_params["method"] == "rise"


def test_what_the_model_can_not_do_is_greyed_out_and_says_why(by_hand: AppTest, instant: InstantRunner) -> None:
    missing = {"ACTIVATIONS": "this file holds no layers."}
    instant.model.card = replace(instant.model.card, missing=missing)
    all_methods(explaining(by_hand))
    assert by_hand.button(key="choose.grad_cam").disabled
    assert not by_hand.button(key="choose.rise").disabled
    assert "this file holds no layers." in text_of(by_hand).replace("\\", "")


def test_the_list_can_be_searched(choosing: AppTest) -> None:
    all_methods(choosing).text_input(key="chooser.search").set_value("hide patch").run()
    assert "occlusion" in choices(choosing)
    assert "saliency" not in choices(choosing)


def test_a_search_without_an_answer_says_so(choosing: AppTest) -> None:
    all_methods(choosing).text_input(key="chooser.search").set_value("marmalade").run()
    assert choices(choosing) == []
    assert "No method matches your search" in text_of(choosing)


def test_layers_are_those_of_the_model_and_none_means_the_last(choosing: AppTest) -> None:
    layers = choosing.multiselect(key=LAYERS)
    assert layers.options == ["features.0 (16×16)", "features.1 (8×8)", "features.2 (4×4)"]
    assert layers.placeholder == "last: features.2 (4×4)"
    assert layers.value == []


def test_chosen_layers_stand_in_the_address_in_the_order_of_the_network(choosing: AppTest) -> None:
    choosing.multiselect(key=LAYERS).set_value(["features.2", "features.0"]).run()
    assert not choosing.exception
    assert choosing.query_params[LAYERS] == "features.0,features.2"


def test_a_link_restores_layers(by_hand: AppTest, instant: InstantRunner) -> None:
    instant.model.card = all_able(instant.model.card)
    by_hand.query_params["method"] = "grad_cam"
    by_hand.query_params[LAYERS] = "features.1"
    assert explaining(by_hand).multiselect(key=LAYERS).value == ["features.1"]


def test_a_link_to_a_layer_that_is_not_there_is_told_and_the_default_stands(
    by_hand: AppTest, instant: InstantRunner
) -> None:
    instant.model.card = all_able(instant.model.card)
    by_hand.query_params["method"] = "grad_cam"
    by_hand.query_params[LAYERS] = "features.1,layer9"
    explaining(by_hand)
    assert "layer9" in by_hand.warning[0].value
    assert by_hand.multiselect(key=LAYERS).value == []


def test_layers_of_another_model_vanish(choosing: AppTest) -> None:
    choosing.multiselect(key=LAYERS).set_value(["features.0", "features.2"]).run()
    slot = choosing.session_state["workspace"].slot(ClassifierSlot)
    card = replace(slot.prepared.card, layers=(Layer("features.0", 8, 8, 4), Layer("head", 2, 2, 4)))
    slot.prepared = replace(slot.prepared, card=card)
    choosing.run()
    assert not choosing.exception
    assert choosing.multiselect(key=LAYERS).value == ["features.0"]
    assert choosing.multiselect(key=LAYERS).placeholder == "last: head (2×2)"


def test_a_model_without_gradients_still_shows_the_guide(by_hand: AppTest, instant: InstantRunner) -> None:
    instant.model = type(instant.model)(instant.model.weights, Capability.PREDICT)
    shown = text_of(explaining(by_hand)).replace("\\", "")
    assert METHODS["integrated_gradients"].guide.answers in shown
    assert "Integrated Gradients needs gradients" in shown
