"""The Explain page, with a model that answers at once."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.fakes import LinearNetwork, softmax
from tests.pages.conftest import InstantRunner, all_able, text_of, with_sample
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.method import METHODS
from xai_core.types import Capability, Floats


class ProbabilityNetwork(LinearNetwork):
    """Ends in a softmax that can not be cut."""

    def forward(self, inputs: Floats) -> Floats:
        return softmax(super().forward(inputs)).astype(np.float32)


def explaining(app: AppTest) -> AppTest:
    with_sample(app)
    return app.switch_page("pages/explain.py").run()


def test_without_a_model_it_says_where_to_open_one(app: AppTest) -> None:
    app.run()
    app.switch_page("pages/explain.py").run()
    assert not app.exception
    assert "No model is open" in text_of(app)


def test_the_first_method_runs_by_itself(app: AppTest, instant: InstantRunner) -> None:
    explaining(app)
    assert not app.exception
    assert [m.id for m in instant.explained] == ["integrated_gradients"]
    assert "completeness error" in text_of(app)


@pytest.mark.parametrize("method_id", sorted(METHODS))
def test_each_method_shows_a_control_for_each_parameter_that_matters(
    app: AppTest, instant: InstantRunner, method_id: str
) -> None:
    instant.model.card = all_able(instant.model.card)
    app.session_state["automatic"] = False
    explaining(app)
    app.selectbox(key="method").select(method_id).run()
    assert not app.exception
    shown = {widget.key for kind in (app.slider, app.selectbox, app.toggle, app.multiselect) for widget in kind}
    usual = {p.name: p.default for p in METHODS[method_id].params}
    mattering = {p.name for p in METHODS[method_id].params if not p.only_if or p.only_if.holds(usual)}
    assert {name for name in usual if f"{method_id}.{name}" in shown} == mattering


def test_a_moved_slider_asks_again_and_going_back_asks_nothing(app: AppTest, instant: InstantRunner) -> None:
    explaining(app)
    app.slider(key="integrated_gradients.steps").set_value(20).run()
    assert [m.steps for m in instant.explained] == [50, 20]
    app.slider(key="integrated_gradients.steps").set_value(50).run()
    assert len(instant.explained) == 2


def test_by_hand_nothing_runs_until_run_is_pressed(app: AppTest, instant: InstantRunner) -> None:
    explaining(app)
    app.toggle(key="automatic").set_value(False).run()
    app.slider(key="integrated_gradients.steps").set_value(20).run()
    assert len(instant.explained) == 1
    assert "Press Run to see this result" in text_of(app)
    next(button for button in app.button if button.label == "Run").click().run()
    assert len(instant.explained) == 2
    assert "None" not in text_of(app)


def test_a_method_that_the_model_cannot_run_shows_the_reason(app: AppTest, instant: InstantRunner) -> None:
    instant.model = type(instant.model)(instant.model.weights, Capability.PREDICT)
    explaining(app)
    assert not app.exception
    assert "Integrated Gradients needs gradients" in text_of(app)


def test_a_stride_beyond_the_patch_is_a_sentence(app: AppTest) -> None:
    explaining(app)
    app.selectbox(key="method").select("occlusion").run()
    app.slider(key="occlusion.patch").set_value(4).run()
    app.slider(key="occlusion.stride").set_value(8).run()
    assert not app.exception
    assert app.error


def test_a_link_restores_method_parameters_and_target(app: AppTest, instant: InstantRunner) -> None:
    for name, value in {"method": "rise", "rise.samples": "300", "target": "named", "class": "3"}.items():
        app.query_params[name] = value
    explaining(app)
    assert not app.exception
    assert (instant.explained[-1].id, instant.explained[-1].values()["samples"]) == ("rise", 300)
    assert app.selectbox(key="class").value == 3


@pytest.mark.parametrize(("name", "value"), [("method", "magic"), ("integrated_gradients.steps", "9999")])
def test_a_link_that_makes_no_sense_is_reported_and_the_page_works(app: AppTest, name: str, value: str) -> None:
    app.query_params[name] = value
    explaining(app)
    assert not app.exception
    assert "Part of the link could not be applied" in app.warning[0].value


def test_the_standard_error_is_shown_on_request(app: AppTest) -> None:
    explaining(app)
    app.selectbox(key="method").select("rise").run()
    next(toggle for toggle in app.toggle if toggle.label == "Show the standard error").set_value(True).run()
    assert not app.exception


def test_a_model_that_ends_in_probabilities_is_explained_by_itself(app: AppTest, instant: InstantRunner) -> None:
    instant.model = ProbabilityNetwork(instant.model.weights, gives="probability")
    explaining(app)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="integrated_gradients.score").options == ["probability"]


def test_a_model_that_became_ready_meanwhile_is_found_here(app: AppTest) -> None:
    app.run()
    app.button(key="use-PyTorch").click().run()
    app.session_state["workspace"].slot(ClassifierSlot).opening.wait(120)
    app.session_state["workspace"].slot(ClassifierSlot).prepared = None
    app.switch_page("pages/explain.py").run().run()
    assert not app.exception
    assert app.session_state["workspace"].slot(ClassifierSlot).prepared is not None
