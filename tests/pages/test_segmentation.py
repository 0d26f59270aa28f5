"""The Model and Explain pages with a network that labels every pixel by its colour, and answers at once."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import SIDE, InstantRunner, text_of, with_sample
from xai_core.jobs.questions.explain import Explain
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import Capability, Card, Flags, Floats, Indices, InputSpec, Rule, Score

COLOURS = ("red", "green", "blue")
BY_COLOUR = np.asarray(12 * np.eye(3) - 4, np.float32)


class ByColour(Segmenter):
    """Maps of red, green and blue: each colour, less the others."""

    def __init__(self, region: Flags | None = None) -> None:
        spec = InputSpec(SIDE, SIDE, layout="NHWC")
        can = Capability.PREDICT | Capability.GRADIENT
        fields = {"labels": COLOURS, "task": "segment", "hint": Preprocessing(SIDE, SIDE, "squash")}
        self.card = Card("pytorch", "torchscript", 3, spec, can, **fields)
        self.region = np.ones((SIDE, SIDE), np.bool_) if region is None else region

    def segment(self, inputs: Floats) -> Floats:
        return inputs @ BY_COLOUR

    def within(self, region: Flags) -> Network:
        return ByColour(region)

    def forward(self, inputs: Floats) -> Floats:
        return self.segment(inputs)[:, self.region].mean(axis=1)

    def backward(
        self, inputs: Floats, targets: Indices, score: Score, rule: Rule = "gradient", references: Floats | None = None
    ) -> Floats:
        shares = (self.region / self.region.sum())[None, :, :, None]
        return np.asarray(shares * BY_COLOUR[targets][:, None, None], np.float32)


@pytest.fixture
def labelling(app: AppTest, instant: InstantRunner) -> AppTest:
    instant.model = ByColour()
    return with_sample(app)


def explanations(instant: InstantRunner) -> list[Explain]:
    return [question for question in instant.questions if isinstance(question, Explain)]


def test_the_model_page_lists_the_classes_with_their_shares(labelling: AppTest) -> None:
    assert not labelling.exception
    assert "of the pixels, mean probability" in text_of(labelling)
    assert "**red**" in text_of(labelling)
    assert "labels every pixel" in text_of(labelling)


def test_the_main_class_is_explained_where_it_is_predicted(labelling: AppTest, instant: InstantRunner) -> None:
    labelling.switch_page("pages/explain.py").run()
    assert not labelling.exception
    (asked,) = explanations(instant)
    classes = asked.preprocessing.normalise(asked.image[None])[0] @ BY_COLOUR
    assert asked.region is not None
    np.testing.assert_array_equal(asked.region, classes.argmax(axis=2) == int(asked.targets[0]))
    assert "completeness error" in text_of(labelling)


def test_another_class_and_region_are_a_new_question(labelling: AppTest, instant: InstantRunner) -> None:
    labelling.switch_page("pages/explain.py").run()
    labelling.selectbox(key="region").select("picture").run()
    labelling.selectbox(key="class").select(2).run()
    asked = explanations(instant)[-1]
    assert not labelling.exception
    assert asked.targets.tolist() == [2]
    assert asked.region is not None
    assert asked.region.all()


def test_connected_regions_wait_for_a_choice(labelling: AppTest) -> None:
    labelling.switch_page("pages/explain.py").run()
    labelling.selectbox(key="region").select("connected").run()
    assert "Choose a region on the left" in text_of(labelling)
    assert "completeness error" not in text_of(labelling)
    regions = next(box for box in labelling.multiselect if box.label == "Connected regions")
    regions.set_value([regions.options[0]]).run()
    assert not labelling.exception
    assert "Choose a region on the left" not in text_of(labelling)
    assert "completeness error" in text_of(labelling)


def test_the_bias_page_asks_for_a_classifier(labelling: AppTest) -> None:
    labelling.switch_page("pages/bias.py").run()
    assert "The open model is a segmentation network" in text_of(labelling)
