"""The Model page asks what uploaded code builds, shows the guessed arguments, and opens the model with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

from tests.fakes import LinearNetwork, random_weights
from tests.pages.conftest import CLASSES, SIDE, InstantRunner, text_of
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.errors import UnsupportedModel
from xai_core.jobs.base import Job, Status
from xai_core.model_code import CodeEntry, CodeParameter, ModelCode
from xai_core.services.preparation import prepare_in_background
from xai_core.types import Card, ModelSource

PARAMETERS = (
    CodeParameter("num_classes", "12", "10", "the rows of fc.weight"),
    CodeParameter("width"),
    CodeParameter("act", "", "nn.ReLU"),
)
ENTRIES = (
    CodeEntry("Net", "class", "model.py", PARAMETERS, "the file's tensors are named after its parts: stem, fc"),
    CodeEntry("Block", "class", "model.py"),
)
SOURCE = ModelSource("/w.pt", "w.pt", "ab" * 32, code=ModelCode("/model.py", "model.py", "cd" * 32))


class CodeRunner(InstantRunner):
    """Asks what to build, and opens a linear network once the width is 8. calls: what it was told to build."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str | None]] = []

    def open(self, source: ModelSource) -> Job[Card]:
        assert source.code is not None
        self.calls.append((source.code.entry, source.code.arguments))
        self.model = LinearNetwork(random_weights(CLASSES, SIDE, SIDE))
        self.model.card = replace(self.model.card, entries=() if source.code.entry else ENTRIES)
        if "width=9" in (source.code.arguments or ""):
            job: Job[Card] = Job(lambda: None)
            job.update(status=Status.FAILED, error=UnsupportedModel("The weights do not fit Net(width=9)."))
            return job
        return super().open(source)


@pytest.fixture
def asked(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> tuple[AppTest, CodeRunner]:
    """The page after weights and code were uploaded, and the runner."""
    runner = CodeRunner()
    monkeypatch.setattr("vitrine.ui.session.runner", lambda: runner)
    app.run()
    slot = app.session_state["workspace"].slot(ClassifierSlot)
    slot.source, slot.opening = SOURCE, prepare_in_background(runner, SOURCE, [], [])
    return settled(app), runner


def settled(app: AppTest) -> AppTest:
    """Wait until the opening has ended, and show it."""
    slot = app.session_state["workspace"].slot(ClassifierSlot)
    if slot.opening is not None:
        slot.opening.wait(120)
    return app.run().run()


def width_of(app: AppTest) -> TextInput:
    return next(field for field in app.text_input if field.label == "width")


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    settled(app)


def test_what_code_builds_is_asked_with_guessed_arguments(asked: tuple[AppTest, CodeRunner]) -> None:
    app, runner = asked
    assert not app.exception
    assert not app.error
    assert "The code has 2 classes and functions that build a network" in text_of(app)
    fields = {field.label.replace("\\", ""): field for field in app.text_input}
    assert [fields[name].value for name in ("num_classes", "width", "act")] == ["12", "", ""]
    assert fields["act"].placeholder == "default: nn.ReLU"
    next(button for button in app.button if button.label == "Run this code and open").click().run()
    assert "Net needs a value for width." in app.warning[0].value.replace("\\", "")
    width_of(app).set_value("9")
    press(app, "Run this code and open")
    assert "do not fit Net" in app.error[0].value
    width_of(app).set_value("8")
    press(app, "Run this code and open")
    assert runner.calls == [("", None), ("Net", "num_classes=12, width=9"), ("Net", "num_classes=12, width=8")]
    assert f"{CLASSES} classes" in text_of(app)


def test_code_that_comes_while_weights_are_being_opened_is_used(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CodeRunner()
    monkeypatch.setattr("vitrine.ui.session.runner", lambda: runner)
    app.run()
    slot = app.session_state["workspace"].slot(ClassifierSlot)
    slot.source, slot.opening = replace(SOURCE, code=None, owner=slot.owner), Job(lambda: None)
    app.file_uploader(key="code-file-0").upload("model.py", b"class Net: pass").run()
    settled(app)
    assert slot.source.code.name == "model.py"
    assert runner.calls == [("", None)]


def test_the_page_says_where_code_may_not_run(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_ALLOW_CODE", "0")
    app.run()
    assert "VITRINE_ALLOW_CODE=0 is set." in text_of(app).replace("\\", "")
