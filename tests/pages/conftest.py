"""Pages run without processes: a runner that answers at once with a linear network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from streamlit import error_util
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.browser_session import ROOT
from tests.fakes import LinearNetwork, random_weights
from tests.fakes_parser import DirectParser
from tests.fakes_runner import DirectRunner, done
from vitrine.ui import frame, session
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.jobs.base import Job
from xai_core.jobs.question import Answer, Question
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.find_engines import EnginesQuestion
from xai_core.method import Method, method_named
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing
from xai_core.types import OF_CLASSIFIERS, Card, Conditions, Engine, Floats, Indices, Layer, ModelSource

SIDE, CLASSES = 16, 12
SHOWN_BY_STREAMLIT = error_util.show_uncaught_app_exception


@pytest.fixture(scope="session", autouse=True)
def packages_scanned_once() -> Iterator[None]:
    """Every `AppTest.run` reads the metadata of all installed packages, in search of components; once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


class PageNetwork(LinearNetwork):
    """A linear network whose last layer can be random; a different library adds a bump to its maps."""

    def randomised(self, seed: int) -> LinearNetwork:
        return type(self)(random_weights(CLASSES, SIDE, SIDE, seed=99 + seed))

    def by_peer(
        self,
        library: str,
        method: str,
        values: Mapping[str, Any],
        preprocessing: Preprocessing,
        image: Floats,
        targets: Indices,
    ) -> Floats:
        steps = method_named(method).from_json(values).explain(Model(self, preprocessing), image, targets)
        maps = [estimate.maps for estimate in steps][-1]
        maps[:, 0, 0] += 9 * np.ptp(maps)
        return maps


class InstantRunner(DirectRunner):
    """Answers at once, with a linear network. known_engines: the answer to what its passes can run on."""

    def __init__(self) -> None:
        super().__init__(PageNetwork(random_weights(CLASSES, SIDE, SIDE)))
        self.known_engines: tuple[Engine, ...] = ()

    def ask(self, source: ModelSource, question: Question[Answer], asker: str = "") -> Job[Any]:
        return done(self.known_engines) if isinstance(question, EnginesQuestion) else super().ask(source, question)

    @property
    def explained(self) -> list[Method]:
        """The methods that were asked about classes."""
        return [question.method for question in self.questions if isinstance(question, Explain)]

    @property
    def conditions(self) -> list[Conditions]:
        """The conditions under which they were asked."""
        return [question.conditions for question in self.questions if isinstance(question, Explain)]


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> InstantRunner:
    runner = InstantRunner()
    monkeypatch.setattr(session, "runner", lambda: runner)
    monkeypatch.setattr(session, "parser", DirectParser)
    monkeypatch.setattr(session, "archive_parser", lambda path: DirectParser())
    return runner


@pytest.fixture(autouse=True)
def uncaught_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an error that nothing caught be an exception of the run, as Streamlit itself shows it."""
    monkeypatch.setattr(error_util, "show_uncaught_app_exception", SHOWN_BY_STREAMLIT)
    monkeypatch.setattr(frame, "explain_every_error", lambda: None)


@pytest.fixture
def app(instant: InstantRunner) -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)


def with_sample(app: AppTest) -> AppTest:
    """Start with the first sample model, and wait until it is ready."""
    app.run()
    app.button(key="use-PyTorch").click().run()
    opening = app.session_state["workspace"].slot(ClassifierSlot).opening
    opening.wait(120)
    return app.run().run()


def all_able(card: Card) -> Card:
    """Return a card that offers everything, with three layers."""
    layers = tuple(Layer(f"features.{n}", 16 >> n, 16 >> n, 8) for n in range(3))
    return replace(card, capabilities=OF_CLASSIFIERS, layers=layers, token_grid=(4, 4))


def text_of(app: AppTest) -> str:
    """Return all that a page says."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.title, app.subheader)
    return "\n".join(element.value for kind in kinds for element in kind)
