"""Every method, on a real network of every framework, through the worker and its sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from xai_core import methods, samples  # noqa: F401  (registers the methods)
from xai_core.jobs.local import LocalRunner
from xai_core.method import METHODS, Method
from xai_core.preparation import Prepared, prepare
from xai_core.types import Estimate, Floats

FEW = {"steps": 8, "samples": 100, "patch": 56, "stride": 56}
TABBY = 281


@pytest.fixture(scope="module")
def runner() -> Iterator[LocalRunner]:
    runner = LocalRunner()
    yield runner
    runner.close()


@pytest.fixture(scope="module", params=[m.framework for m in samples.sample_models()] or ["no samples are built"])
def prepared(request: pytest.FixtureRequest, runner: LocalRunner) -> Prepared:
    model = next(m for m in samples.sample_models() if m.framework == request.param)
    return prepare(runner, model.source(), [], samples.references())


@pytest.fixture(scope="module")
def image(prepared: Prepared) -> Floats:
    cat = next(r for r in samples.references() if TABBY in r.classes)
    return prepared.preprocessing.place(cat.picture().pixels)


@pytest.fixture(params=sorted(METHODS))
def quick_method(request: pytest.FixtureRequest) -> Method:
    chosen = METHODS[request.param]
    return chosen.fitted((224, 224), {p.name: FEW[p.name] for p in chosen.params if p.name in FEW})


def explained(runner: LocalRunner, prepared: Prepared, method: Method, image: Floats, *targets: int) -> Estimate:
    job = runner.explain(prepared.source, prepared.preprocessing, method, image, np.array(targets))
    return job.result(120)


def test_a_sample_of_each_framework_is_built() -> None:
    assert {m.framework for m in samples.sample_models()} == {"PyTorch", "Keras", "ONNX"}


def test_the_cat_is_seen_as_a_cat(runner: LocalRunner, prepared: Prepared, image: Floats) -> None:
    row = runner.predict(prepared.source, prepared.preprocessing, image[None]).result(60)[0]
    assert int(row.argmax()) in (281, 282, 285)


def test_a_method_gives_one_finite_map_a_target(
    runner: LocalRunner, prepared: Prepared, quick_method: Method, image: Floats
) -> None:
    estimate = explained(runner, prepared, quick_method, image, TABBY, 967)
    assert estimate.fraction == 1
    assert estimate.maps.shape == (2, 224, 224)
    assert np.isfinite(estimate.maps).all()
    assert np.ptp(estimate.maps[0]) > 0


def test_a_method_repeats_itself(runner: LocalRunner, prepared: Prepared, quick_method: Method, image: Floats) -> None:
    first = explained(runner, prepared, quick_method, image, TABBY)
    second = explained(runner, prepared, quick_method, image, TABBY)
    np.testing.assert_allclose(first.maps, second.maps, rtol=1e-4, atol=1e-5 * float(np.abs(first.maps).max()))


def test_a_target_has_the_same_map_alone_and_in_company(
    runner: LocalRunner, prepared: Prepared, quick_method: Method, image: Floats
) -> None:
    alone = explained(runner, prepared, quick_method, image, TABBY)
    together = explained(runner, prepared, quick_method, image, 967, TABBY)
    scale = float(np.abs(alone.maps).max())
    np.testing.assert_allclose(alone.maps[0], together.maps[1], rtol=1e-3, atol=1e-4 * scale)
