"""Pages run without processes: a runner that answers at once with a linear network."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.browser_session import ROOT
from tests.fakes import LinearNetwork, random_weights
from ui import session
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.errors import MissingCapability, VitrineError
from xai_core.jobs.base import Job, Status
from xai_core.method import Method
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing
from xai_core.types import Card, Estimate, Floats, Indices, ModelSource, Score

SIDE, CLASSES = 16, 12


class InstantRunner:
    """Answers in the calling thread. `error` is what opening ends with, where it is set."""

    def __init__(self) -> None:
        self.network = LinearNetwork(random_weights(CLASSES, SIDE, SIDE))
        self.error: VitrineError | None = None
        self.explained: list[Method] = []

    def open(self, source: ModelSource) -> Job[Card]:
        job: Job[Card] = Job(lambda: None)
        job.update(status=Status.FAILED if self.error else Status.DONE, error=self.error, latest=self.network.card)
        return job

    def predict(
        self, source: ModelSource, preprocessing: Preprocessing, images: Floats, score: Score = "probability"
    ) -> Job[Floats]:
        job: Job[Floats] = Job(lambda: None)
        job.update(status=Status.DONE, latest=Model(self.network, preprocessing).predict(images, score))
        return job

    def explain(
        self, source: ModelSource, preprocessing: Preprocessing, method: Method, image: Floats, targets: Indices
    ) -> Job[Estimate]:
        self.explained.append(method)
        job: Job[Estimate] = Job(lambda: None)
        try:
            method.check_model(self.network.card)
            *_, last = method.explain(Model(self.network, preprocessing), image, targets)
            job.update(status=Status.DONE, latest=last, seconds=1.0)
        except MissingCapability as error:
            job.update(status=Status.FAILED, error=error)
        return job

    def release(self, owner: str) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> InstantRunner:
    runner = InstantRunner()
    monkeypatch.setattr(session, "runner", lambda: runner)
    return runner


@pytest.fixture
def app(instant: InstantRunner) -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)


def with_sample(app: AppTest) -> AppTest:
    """Start with the first sample model, and wait until it is ready."""
    app.run()
    app.button(key="use-PyTorch").click().run()
    opening = app.session_state["workspace"].opening
    opening.wait(20)
    return app.run().run()


def text_of(app: AppTest) -> str:
    """Return all that a page says."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.title, app.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)
