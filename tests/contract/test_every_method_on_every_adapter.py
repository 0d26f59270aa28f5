"""Every method, on a real network of every framework, through the worker and its sandbox.

In every run a method for each capability on PyTorch and ONNX; in a long one all of them, and Keras too.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_

import numpy as np
import pytest

from tests.contract.quick import quick, why_not
from vitrine import samples
from xai_core import methods  # noqa: F401  (registers the methods)
from xai_core.jobs.base import Job
from xai_core.jobs.local import LocalRunner
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.predict import Predict
from xai_core.method import METHODS, Method
from xai_core.params import Size
from xai_core.services.preparation import Prepared, prepare
from xai_core.types import Capability, Estimate, Floats

ONE_FOR_EACH_CAPABILITY = {
    "ablation_cam",
    "attention_rollout",
    "deeplift",
    "grad_cam",
    "guided_backprop",
    "integrated_gradients",
    "lrp",
    "occlusion",
}
METHOD_IDS = [
    pytest.param(method_id, marks=() if method_id in ONE_FOR_EACH_CAPABILITY else pytest.mark.long)
    for method_id in sorted(METHODS)
]
TABBY = 281
SMALL = 128  # pixels, where a model takes any size
SECONDS = 300
# A batch of two is summed in a different order than a batch of one, so all values differ by float32 rounding: 6e-8 per
# operation, about 1e-6 after all layers. Scores, and maps computed from scores, stay close to that.
ROUNDING = 1e-3
# A gradient jumps if rounding pushes a unit across a kink of its ReLU6. MobileNetV2 has 5 million such units, and about
# 5 of them lie within 1e-6 of a kink. The smallest layer has 47,000 units, so one unit carries about 1 / 47,000 of the
# gradient's energy, 0.5% of its norm (0.4% measured). 5% is a hundred units; a different class is more than 60% away.
FLIPPED = 0.05


FRAMEWORKS = [
    pytest.param(model.framework, marks=pytest.mark.long if model.framework == "Keras" else ())
    for model in samples.sample_models()
]


@pytest.fixture(scope="module", params=FRAMEWORKS or ["no samples are built"])
def prepared(request: pytest.FixtureRequest, runner: LocalRunner) -> Prepared:
    model = next(m for m in samples.sample_models() if m.framework == request.param)
    found = prepare(runner, model.source(), [], samples.sample_photos())
    small = replace(found.preprocessing, height=SMALL, width=SMALL)
    return found if found.card.input.height else replace(found, preprocessing=small)


@pytest.fixture(scope="module")
def image(prepared: Prepared) -> Floats:
    cat = next(r for r in samples.sample_photos() if TABBY in r.classes)
    return prepared.preprocessing.place(cat.picture().pixels)


@pytest.fixture(params=METHOD_IDS)
def quick_method(request: pytest.FixtureRequest, prepared: Prepared) -> Method:
    chosen = METHODS[request.param]
    if reason := why_not(chosen, prepared.card):
        pytest.skip(reason)
    return quick(chosen, prepared.card, size(prepared))


def size(prepared: Prepared) -> Size:
    return prepared.preprocessing.height, prepared.preprocessing.width


def job_of(runner: LocalRunner, prepared: Prepared, method: Method, image: Floats, *targets: int) -> Job[Estimate]:
    return runner.ask(prepared.source, Explain(prepared.preprocessing, method, image, np.array(targets)))


def apart(found: Floats, expected: Floats) -> float:
    """Return the norm of the difference of two maps, relative to the norm of the expected one."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def reads_slopes_at_pixels(method: Method) -> bool:
    """Whether a method's gradient runs through all layers, not just down to the last convolution."""
    rules, last = Capability.BACKWARD_RULES in method.needs, Capability.ACTIVATIONS in method.needs
    return Capability.GRADIENT in method.needs and (rules or not last)


def test_a_sample_of_each_framework_is_built() -> None:
    assert {m.framework for m in samples.sample_models()} == {"PyTorch", "Keras", "ONNX"}


def test_a_method_for_each_capability_is_tried_in_every_run() -> None:
    tried = (METHODS[method_id].needs for method_id in ONE_FOR_EACH_CAPABILITY)
    assert reduce(or_, tried) == reduce(or_, (method.needs for method in METHODS.values()))


def test_what_a_model_can_not_do_is_told_with_the_reason(prepared: Prepared) -> None:
    told = {method_id: why_not(method, prepared.card) for method_id, method in METHODS.items()}
    for method_id, reason in told.items():
        assert not reason or (reason.startswith(f"{METHODS[method_id].title} needs ") and reason.endswith("."))
    able = [method_id for method_id, reason in told.items() if not reason]
    assert len(able) >= len(METHODS) - 3, told


def test_the_cat_is_seen_as_a_cat(runner: LocalRunner, prepared: Prepared, image: Floats) -> None:
    row = runner.ask(prepared.source, Predict(prepared.preprocessing, image[None])).result(SECONDS)[0]
    assert int(row.argmax()) in (281, 282, 285)


def test_a_method_gives_finite_maps_repeats_itself_and_judges_each_target_alone(
    runner: LocalRunner, prepared: Prepared, quick_method: Method, image: Floats
) -> None:
    both = job_of(runner, prepared, quick_method, image, 967, TABBY).result(SECONDS)
    assert both.fraction == 1
    assert both.maps.shape == (2, *size(prepared))
    assert np.isfinite(both.maps).all()
    assert np.ptp(both.maps[1]) > 0
    alone = job_of(runner, prepared, quick_method, image, TABBY).result(SECONDS)
    again = job_of(runner, prepared, quick_method, image, TABBY).result(SECONDS)
    assert apart(again.maps, alone.maps) < ROUNDING / 10  # summed in the same order
    assert apart(both.maps[1], alone.maps[0]) < (FLIPPED if reads_slopes_at_pixels(quick_method) else ROUNDING)


def test_a_cancelled_method_leaves_the_model_as_it_was(
    runner: LocalRunner, prepared: Prepared, quick_method: Method, image: Floats
) -> None:
    question = Predict(prepared.preprocessing, image[None], prepared.card.gives)
    before = runner.ask(prepared.source, question).result(SECONDS)
    job = job_of(runner, prepared, quick_method, 1 - image, TABBY, 967)
    job.wait(0.05)
    job.cancel()
    job.wait(SECONDS)
    after = runner.ask(prepared.source, question).result(SECONDS)
    np.testing.assert_array_equal(before, after)
