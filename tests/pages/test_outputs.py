"""The Model page says what the outputs are taken to be, and lets it be changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.fakes import LinearNetwork, random_weights
from tests.pages.conftest import CLASSES, SIDE, InstantRunner, text_of, with_sample
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.ends import End
from xai_core.jobs.base import Job
from xai_core.network import Network
from xai_core.scores import read_as
from xai_core.types import Card, Floats, ModelSource


class Ending(LinearNetwork):
    """A linear network with an end."""

    end: End | None = None

    def forward(self, inputs: Floats) -> Floats:
        rows = super().forward(inputs)
        return rows if self.end is None else self.end.of(rows)

    def ended(self, end: End) -> Network:
        made = Ending(self.weights)
        made.card, made.end = self.card, end
        return made


class ReadingRunner(InstantRunner):
    """Opens a network that is read as the source says. doubt: why its outputs do not look like classes."""

    doubt = ""

    def open(self, source: ModelSource) -> Job[Card]:
        network = Ending(random_weights(CLASSES, SIDE, SIDE))
        network.card = replace(network.card, doubt=self.doubt)
        self.model = read_as(network, "" if not source.reading else source.reading.split('"')[3])
        return super().open(source)


@pytest.fixture
def reading_runner(monkeypatch: pytest.MonkeyPatch) -> ReadingRunner:
    runner = ReadingRunner()
    monkeypatch.setattr("vitrine.ui.session.runner", lambda: runner)
    return runner


def prepared(app: AppTest):
    return app.session_state.workspace.slot(ClassifierSlot).prepared


def pressed(app: AppTest, label: str) -> None:
    """Press a button that opens a model, and wait for it."""
    next(button for button in app.button if button.label == label).click().run()
    opening = app.session_state["workspace"].slot(ClassifierSlot).opening
    if opening is not None:
        opening.wait(120)
    app.run().run()


def read_so(app: AppTest, scoring: str) -> None:
    next(box for box in app.selectbox if box.label == "Read the outputs as").select(scoring).run()
    pressed(app, "Read outputs this way")


def test_what_is_assumed_is_said_and_can_be_changed(app: AppTest, reading_runner) -> None:
    with_sample(app)
    assert "so exactly one class is right" in text_of(app)
    read_so(app, "sigmoid")
    assert prepared(app).card.head == "sigmoid"
    assert "is assumed" not in text_of(app)


def test_the_threshold_decides_what_is_predicted(app: AppTest, reading_runner) -> None:
    with_sample(app)
    read_so(app, "sigmoid")
    next(slider for slider in app.slider if slider.label == "Threshold").set_value(1.0).run()
    app.run()
    assert prepared(app).threshold == 1.0
    assert "No class reaches 100.0%" in text_of(app)


def test_numbers_are_shown_without_percent(app: AppTest, reading_runner) -> None:
    with_sample(app)
    read_so(app, "none")
    assert not app.exception
    assert prepared(app).labels[0] == "output 0"
    assert "not scores of classes" in prepared(app).candidates[0].evidence


def test_an_embedding_is_asked_about_and_compared_with_a_picture(app: AppTest, reading_runner) -> None:
    reading_runner.doubt = "every output is a vector of length 1, like an embedding"
    with_sample(app)
    assert "do not look like scores of classes" in text_of(app)
    app.radio[0].set_value("similarity")
    pressed(app, "Open")
    assert "Choose a reference picture under Outputs" in text_of(app)
    references = next(box for box in app.multiselect if box.label == "Reference pictures")
    references.set_value([next(iter(app.session_state.workspace.pictures))]).run()
    assert not app.exception
    scores = app.session_state.workspace.slot(ClassifierSlot).scores
    assert np.allclose(list(scores.values())[-1], [1], atol=1e-5)
