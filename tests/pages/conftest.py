"""Pages run without processes: a runner that answers at once with a linear network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.browser_session import ROOT
from tests.fakes import LinearNetwork, random_weights
from vitrine.ui import session
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.errors import MissingCapability, VitrineError
from xai_core.jobs.base import AS_IT_IS, Job, Status
from xai_core.method import Method
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing
from xai_core.types import (
    OF_CLASSIFIERS,
    Card,
    Conditions,
    Engine,
    Estimate,
    Floats,
    Indices,
    Layer,
    ModelSource,
    Score,
)

SIDE, CLASSES = 16, 12


class InstantRunner:
    """Answers in the calling thread.

    error: what opening ends with, where it is set. holding: explanations begin, and end when they are cancelled.
    known_engines: what `engines` answers. A random last layer is a network with other weights; another library adds
    a bump to the network's own answer.
    """

    def __init__(self) -> None:
        self.network = LinearNetwork(random_weights(CLASSES, SIDE, SIDE))
        self.error: VitrineError | None = None
        self.explained: list[Method] = []
        self.conditions: list[Conditions] = []
        self.holding = False
        self.known_engines: tuple[Engine, ...] = ()

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

    def engines(
        self, source: ModelSource, preprocessing: Preprocessing, images: Floats | None = None
    ) -> Job[tuple[Engine, ...]]:
        job: Job[tuple[Engine, ...]] = Job(lambda: None)
        job.update(status=Status.DONE, latest=self.known_engines)
        return job

    def explain(
        self,
        source: ModelSource,
        preprocessing: Preprocessing,
        method: Method,
        image: Floats,
        targets: Indices,
        conditions: Conditions = AS_IT_IS,
    ) -> Job[Estimate]:
        self.explained.append(method)
        self.conditions.append(conditions)
        job: Job[Estimate] = Job(lambda: job.update(status=Status.CANCELLED))
        if self.holding:
            job.update(status=Status.RUNNING)
            return job
        try:
            method.check_model(self.network.card)
            *_, last = method.explain(Model(self._under(conditions), preprocessing), image, targets)
            last.maps[:, 0, 0] += 9 * np.ptp(last.maps) if conditions.peer else 0
            job.update(status=Status.DONE, latest=last, seconds=1.0)
        except MissingCapability as error:
            job.update(status=Status.FAILED, error=error)
        return job

    def _under(self, conditions: Conditions) -> LinearNetwork:
        if conditions.random_last_layer is None:
            return self.network
        return type(self.network)(random_weights(CLASSES, SIDE, SIDE, seed=99 + conditions.random_last_layer))

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


def all_able(card: Card) -> Card:
    """Return a card that offers everything, with three layers."""
    layers = tuple(Layer(f"features.{n}", 16 >> n, 16 >> n, 8) for n in range(3))
    return replace(card, capabilities=OF_CLASSIFIERS, layers=layers, token_grid=(4, 4))


def text_of(app: AppTest) -> str:
    """Return all that a page says."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.title, app.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)
