"""What a layer encodes about an attribute and where the model looks, with a runner whose answers are known."""

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
from xai_core.services.bias_inside import Contrast, Subject, layer_bias, mean_looks
from xai_core.services.preparation import Prepared
from xai_core.services.preprocessing_guess import Candidate
from xai_core.types import Capability, Card, Estimate, InputSpec, ModelSource

SIDE, NUMBER = 8, 80
WAY = Preprocessing(SIDE, SIDE)
CONTRAST = Contrast("colour", ("warm", "cold"))


def done(found):
    job = Job(cancel=lambda: None)
    job.update(status=Status.DONE, latest=found)
    return job


class Colours:
    """Its layer holds the mean red, green and blue; class 1 is red, and so are "warm" pictures."""

    def ask(self, source, question, asker=""):
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
def subject():
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
    return Subject(Colours(), prepared, held, found)


def test_sensitivity_is_positive_for_the_class_that_rises_and_negative_for_its_opposite(subject):
    found = layer_bias(subject, "colours", CONTRAST)
    assert found.sensitivity[0] == pytest.approx(-found.sensitivity[1], abs=1e-6)
    assert found.sensitivity[1] > 0.3
    assert found.samples == NUMBER


def test_swapping_the_values_swaps_the_signs(subject):
    one = layer_bias(subject, "colours", CONTRAST)
    other = layer_bias(subject, "colours", Contrast("colour", ("cold", "warm")))
    np.testing.assert_allclose(one.projection, -np.array(other.projection), atol=1e-6)
    assert one.projection_size == pytest.approx(other.projection_size)


def test_the_mean_maps_of_two_groups_show_where_they_differ(subject):
    one, other, apart = mean_looks(subject, method_named("saliency")(), CONTRAST)
    left, right = np.split(apart.mean, 2, axis=1)
    assert left.min() > right.max()
    assert one.samples == other.samples == 24
    np.testing.assert_allclose(one.mean - other.mean, apart.mean, atol=1e-7)


def test_a_value_with_too_few_pictures_is_refused(subject):
    few = replace(subject, predictions=subject.predictions.chosen(np.r_[0:20:2, 1:8:2]))
    with pytest.raises(DataError, match="'cold' has 4 pictures here; at least 10 are needed"):
        layer_bias(few, "colours", CONTRAST)


def test_predictions_of_a_different_model_are_refused(subject):
    prepared = replace(subject.prepared, card=replace(subject.prepared.card, classes=7))
    with pytest.raises(DataError, match="7 classes, but these predictions have 2"):
        layer_bias(replace(subject, prepared=prepared), "colours", CONTRAST)
