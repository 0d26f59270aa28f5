"""Each sample model on the engines that its sandboxed worker finds: PyTorch's in every run, others in a long one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from model_adapters.engines.trials import TOLERANCE
from vitrine import samples
from vitrine.runner import local_runner
from xai_core.jobs.local import LocalRunner
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.methods.rise import Rise
from xai_core.preprocessing import presets
from xai_core.types import Conditions, Engine, ModelSource

SECONDS = 200
TABBY = np.array([281])
LOOK = presets(224, 224)["ImageNet mean/std"]
MARKS = {"Keras": pytest.mark.long, "ONNX": pytest.mark.long}
MODELS = [pytest.param(m.framework, marks=MARKS.get(m.framework, ())) for m in samples.sample_models()]
FLOAT32, BFLOAT16 = Conditions(precision="float32"), Conditions(precision="bfloat16")


@pytest.fixture(scope="module")
def runner() -> Iterator[LocalRunner]:
    """A runner of their own, as engines that are found here would be used elsewhere."""
    runner = local_runner()
    yield runner
    runner.close()


@pytest.fixture(scope="module", params=MODELS or ["no samples are built"])
def source(request: pytest.FixtureRequest) -> ModelSource:
    return next(m for m in samples.sample_models() if m.framework == request.param).source()


@pytest.fixture(scope="module")
def engines(runner: LocalRunner, source: ModelSource) -> tuple[Engine, ...]:
    return runner.ask(source, FindEngines(LOOK)).result(SECONDS)


def test_the_worker_converts_the_model_and_the_answers_agree(engines: tuple[Engine, ...]) -> None:
    (found,) = [one for one in engines if (one.name, one.precision) == ("OpenVINO", "float32")]
    assert found.max_difference < TOLERANCE
    assert found.top1_agreement == 1


def test_one_float32_engine_is_used_and_the_others_say_why_not(engines: tuple[Engine, ...]) -> None:
    assert [one.used for one in engines if one.precision == "float32"].count(True) == 1
    assert all(one.used or one.reason for one in engines)


def test_a_map_in_bfloat16_is_nearly_that_in_float32(
    runner: LocalRunner, source: ModelSource, engines: tuple[Engine, ...]
) -> None:
    if not any(one.precision == "bfloat16" and one.used for one in engines):
        pytest.skip("This processor is no faster in bfloat16.")
    cat = next(r for r in samples.sample_photos() if TABBY[0] in r.classes)
    image, method = LOOK.place(cat.picture().pixels), Rise(samples=100)
    jobs = [runner.ask(source, Explain(LOOK, method, image, TABBY, one)) for one in (FLOAT32, BFLOAT16)]
    exact, rough = (job.result(SECONDS).maps.ravel() for job in jobs)
    assert not np.array_equal(exact, rough)
    assert np.corrcoef(exact, rough)[0, 1] > 0.99
