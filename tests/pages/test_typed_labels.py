"""The Model page asks for the labels of a model that compares pictures with texts."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from model_adapters.common.typed_labels import TypedLabels
from tests.fakes import LinearNetwork, random_weights
from tests.pages.conftest import CLASSES, SIDE, InstantRunner, text_of, with_sample
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.errors import TypeLabels
from xai_core.jobs.base import Job, Status
from xai_core.types import Card, ModelSource

TOO_FEW = "CLIPModel needs at least two labels, since their probabilities add up to 1; got 1."
QUESTION = "CLIPModel compares a picture with texts. Type the labels that it chooses from."


class AskingRunner(InstantRunner):
    """Opens a network once labels were typed. readings: of the sources it was asked to open."""

    def __init__(self) -> None:
        super().__init__()
        self.model = LinearNetwork(random_weights(CLASSES, SIDE, SIDE))
        self.readings: list[str] = []

    def open(self, source: ModelSource) -> Job[Card]:
        self.readings.append(source.reading)
        names = TypedLabels.from_text(source.reading).names
        if len(names) > 1:
            return super().open(source)
        job: Job[Card] = Job(lambda: None)
        job.update(status=Status.FAILED, error=TypeLabels(TOO_FEW if names else QUESTION))
        return job


def settled(app: AppTest) -> None:
    slot = app.session_state["workspace"].slot(ClassifierSlot)
    if slot.opening is not None:
        slot.opening.wait(120)
    app.run().run()


def press(app: AppTest) -> None:
    next(button for button in app.button if button.label == "Use these labels").click().run()


def test_labels_are_typed_before_the_model_opens(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = AskingRunner()
    monkeypatch.setattr("vitrine.ui.session.runner", lambda: runner)
    with_sample(app)
    settled(app)
    assert "compares a picture with texts" in text_of(app)
    press(app)
    assert "Type at least one label, one per line" in text_of(app)
    app.text_area[0].input("cat")
    press(app)
    settled(app)
    assert "needs at least two labels" in app.warning[0].value
    app.text_area[0].input("cat\n\nsmall dog")
    app.text_input[0].input("a {} and a {}")
    press(app)
    assert "once, where the label goes" in text_of(app)
    app.text_input[0].input("a drawing of a {}")
    press(app)
    settled(app)
    assert json.loads(runner.readings[-1]) == {"labels": "cat\nsmall dog", "prompt": "a drawing of a {}"}
    assert app.text_area[0].value == "cat\nsmall dog"
