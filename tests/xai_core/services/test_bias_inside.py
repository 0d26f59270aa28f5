"""What a layer holds of an attribute and where the model looks, asked of a runner whose model is known by heart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xai_core.methods  # noqa: F401  (registers them)
from xai_core.bias.picture_set import PictureSet
from xai_core.bias.predictions import Predictions
from xai_core.errors import DataError
from xai_core.jobs.base import Job, Status
from xai_core.jobs.questions.explain import Explain
from xai_core.method import method_named
from xai_core.pictures.files import Picture
from xai_core.preprocessing import Preprocessing
from xai_core.services.bias_inside import layer_bias, mean_looks
from xai_core.services.preparation import Prepared
from xai_core.services.preprocessing_guess import Candidate
from xai_core.types import Capability, Card, Estimate, InputSpec, ModelSource

SIDE, NUMBER = 8, 80
WAY = Preprocessing(SIDE, SIDE)


def done(found):
    job = Job(cancel=lambda: None)
    job.update(status=Status.DONE, latest=found)
    return job


class Colours:
    """Its layer holds the mean red, green and blue; class 1 is red, and so is whoever is called "warm"."""

    def ask(self, source, question):
        if isinstance(question, Explain):
            return done(Estimate(1.0, question.image[None, :, :, 0] + 0.5))
        slopes = np.where(question.targets[:, None] == 1, [[1.0, 0, 0]], [[-1.0, 0, 0]]).astype(np.float32)
        return done((question.images.mean(axis=(1, 2)), slopes))


def pictures(warm):
    """Red where warm and blue elsewhere, with noise; the red is in the left half only."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 40, (NUMBER, SIDE, SIDE, 3))
    pixels[warm, :, : SIDE // 2, 0] += 200
    pixels[~warm, :, :, 2] += 200
    return pixels.astype(np.uint8)


@pytest.fixture
def asked():
    warm = np.arange(NUMBER) % 2 == 0
    truth = (np.arange(NUMBER) % 4 < 2).astype(np.int64)
    pixels, files = pictures(warm), np.array([f"{n}.png" for n in range(NUMBER)])
    colour = {"colour": np.where(warm, "warm", "cold")}
    found = Predictions("m", ("a", "b"), truth, truth, attributes=colour, files=files)
    names = np.array(found.labels)[truth]
    held = PictureSet(
        "set",
        files,
        names,
        found.labels,
        colour,
        (),
        lambda n: Picture(pixels[n], str(files[n]), str(n)),
        lambda n: str(n),
    )
    card = Card("pytorch", "none", 2, InputSpec(SIDE, SIDE), Capability.PREDICT | Capability.ACTIVATIONS)
    prepared = Prepared(ModelSource("", "m", "0"), card, (Candidate("w", WAY, "", 0.0),), WAY, found.labels)
    return {"runner": Colours(), "prepared": prepared, "pictures": held, "found": found}


def test_a_class_that_rises_with_the_attribute_is_found_and_its_opposite_too(asked):
    found = layer_bias(**asked, layer="colours", name="colour", values=("warm", "cold"))
    assert found.sensitivity[0] == pytest.approx(-found.sensitivity[1], abs=1e-6)
    assert found.sensitivity[1] > 0.3
    assert found.samples == NUMBER


def test_turning_the_values_round_turns_the_signs_round(asked):
    one = layer_bias(**asked, layer="colours", name="colour", values=("warm", "cold"))
    other = layer_bias(**asked, layer="colours", name="colour", values=("cold", "warm"))
    np.testing.assert_allclose(one.projection, -np.array(other.projection), atol=1e-6)
    assert one.projection_size == pytest.approx(other.projection_size)


def test_the_mean_maps_of_two_groups_show_where_they_differ(asked):
    one, other, apart = mean_looks(**asked, method=method_named("saliency")(), name="colour", values=("warm", "cold"))
    left, right = np.split(apart.mean, 2, axis=1)
    assert left.min() > right.max()
    assert one.samples == other.samples == 24
    np.testing.assert_allclose(one.mean - other.mean, apart.mean, atol=1e-7)


def test_a_value_of_few_pictures_is_told(asked):
    few = asked["found"].chosen(np.r_[0:20:2, 1:8:2])
    with pytest.raises(DataError, match="'cold' has 4 pictures here; at least 10 are needed"):
        layer_bias(**asked | {"found": few}, layer="colours", name="colour", values=("warm", "cold"))


def test_predictions_of_another_model_are_told(asked):
    card = replace(asked["prepared"].card, classes=7)
    other = replace(asked["prepared"], card=card)
    with pytest.raises(DataError, match="7 classes, but these predictions have 2"):
        layer_bias(**asked | {"prepared": other}, layer="colours", name="colour", values=("warm", "cold"))
