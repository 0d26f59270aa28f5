"""On a photo of a dog and a cat, what depends on the class tells them apart, and what does not says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitrine import samples
from xai_core import methods  # noqa: F401  (registers the methods)
from xai_core.jobs.local import LocalRunner
from xai_core.jobs.questions.explain import Explain
from xai_core.method import METHODS, Method
from xai_core.preprocessing import presets
from xai_core.types import Card, Floats, ModelSource

CAT, DOG = 282, 243  # tiger cat, bull mastiff
CAT_BOX, DOG_BOX = np.s_[118:224, 45:200], np.s_[12:150, 78:165]  # rows, columns of the photo at 224 pixels
FEWER = {"rise": {"samples": 200}, "score_cam": {"channels": 10.0}, "occlusion": {"patch": 48, "stride": 24}}
FEWER |= {"lime": {"samples": 100}, "kernel_shap": {"samples": 100}, "shapley": {"permutations": 2, "grid": 5}}
FEWER |= {"gradient_shap": {"samples": 8}, "smoothgrad": {"samples": 8}, "squaregrad": {"samples": 8}}
FEWER |= {"vargrad": {"samples": 8}, "integrated_gradients": {"steps": 8}, "sobol": {"rows": 4, "grid": 6}}
FEWER |= {"hsic": {"samples": 300}}
SMOOTH = ("CAM", "Perturbation")  # gradients are noisy everywhere, so that only their difference tells
WITH_ATTENTION = {"attention_rollout", "gradient_rollout"}  # the network of the samples has none
EVERY_RUN = {"saliency", "grad_cam", "eigen_cam", "lrp"}  # cheap ones of each group; the others in a long run
ASKED = [
    pytest.param(method_id, marks=() if method_id in EVERY_RUN else pytest.mark.long)
    for method_id in sorted(set(METHODS) - WITH_ATTENTION)
]


@pytest.fixture(scope="module")
def source() -> ModelSource:
    return next(m for m in samples.sample_models() if m.framework == "PyTorch").source()


@pytest.fixture(scope="module")
def card(runner: LocalRunner, source: ModelSource) -> Card:
    return runner.open(source).result(120)


@pytest.fixture(params=ASKED)
def method(request: pytest.FixtureRequest, card: Card) -> Method:
    return METHODS[request.param].suited(card, (224, 224), FEWER.get(request.param))


def cat_and_dog(runner: LocalRunner, source: ModelSource, method: Method, assets: Path) -> Floats:
    look = presets(224, 224)["ImageNet mean/std"]
    photo = np.asarray(Image.open(assets / "images/other/cat_dog_both.png").convert("RGB"))
    return runner.ask(source, Explain(look, method, look.place(photo), np.array([CAT, DOG]))).result(240).maps


def density(map_: Floats, box: tuple[slice, slice], without: tuple[slice, slice]) -> float:
    """Return the mean of a map's positive values in one box and outside the other."""
    chosen = np.zeros(map_.shape, bool)
    chosen[box] = True
    chosen[without] = False
    return float(np.maximum(map_, 0)[chosen].mean())


def on_cat_rather_than_dog(map_: Floats) -> float:
    return density(map_, CAT_BOX, DOG_BOX) / density(map_, DOG_BOX, CAT_BOX)


def test_the_maps_of_cat_and_dog_are_as_far_apart_as_the_method_says(
    runner: LocalRunner, source: ModelSource, method: Method, assets: Path
) -> None:
    cat, dog = cat_and_dog(runner, source, method, assets)
    correlation = float(np.corrcoef(cat.ravel(), dog.ravel())[0, 1])
    if method.class_sensitivity == "none":
        assert correlation > 0.9999
    elif method.class_sensitivity == "high":
        assert correlation < 0.6
        assert on_cat_rather_than_dog(cat) > 1.2 * on_cat_rather_than_dog(dog)
        if method.group in SMOOTH:
            assert on_cat_rather_than_dog(cat) > 1 > on_cat_rather_than_dog(dog)
    else:
        assert 0.6 <= correlation < 1
