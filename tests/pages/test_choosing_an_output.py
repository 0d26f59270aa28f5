"""The Model page asks which output of a classifier holds its class scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.fakes import LinearNetwork, random_weights
from tests.pages.conftest import CLASSES, SIDE, InstantRunner, text_of, with_sample
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.jobs.base import Job
from xai_core.network import Network
from xai_core.types import Card, Floats, ModelSource, ScoreOutput


class Undecided(LinearNetwork):
    """Gives three features before its class scores."""

    def __init__(self) -> None:
        super().__init__(random_weights(CLASSES, SIDE, SIDE))
        outputs = (
            ScoreOutput("features", (2, 3), 3),
            ScoreOutput("logits", (2, CLASSES), CLASSES, "its name is usual for class scores"),
            ScoreOutput("map", (2, 3, 7, 7), 0),
        )
        self.card = replace(self.card, classes=3 + CLASSES, outputs=outputs)

    def forward(self, inputs: Floats) -> Floats:
        return np.concatenate([inputs.mean((1, 2)), super().forward(inputs)], axis=1)


class AskingRunner(InstantRunner):
    """Opens the undecided network until an output is chosen. readings: of the sources it was asked to open."""

    def __init__(self) -> None:
        super().__init__()
        self.readings: list[str] = []

    def open(self, source: ModelSource) -> Job[Card]:
        self.readings.append(source.reading)
        self.model = self.model_of(source)
        return super().open(source)

    def model_of(self, source: ModelSource) -> Network:
        return LinearNetwork(random_weights(CLASSES, SIDE, SIDE)) if source.reading else Undecided()


def test_the_output_is_asked_for_once_with_what_each_would_answer(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = AskingRunner()
    monkeypatch.setattr("vitrine.ui.session.runner", lambda: runner)
    with_sample(app)
    assert not app.exception
    assert not app.error
    assert "Several outputs may hold the class scores" in text_of(app)
    (radio,) = app.radio
    assert [option.split("**")[1] for option in radio.options] == ["features", "logits"]
    assert radio.value == 1
    assert "map" in text_of(app)
    next(button for button in app.button if button.label == "Open").click().run()
    slot = app.session_state["workspace"].slot(ClassifierSlot)
    if slot.opening is not None:
        slot.opening.wait(120)
    app.run().run()
    assert runner.readings == ["", '{"output": "logits"}']
    assert f"{CLASSES} classes" in text_of(app)
    assert not app.radio
