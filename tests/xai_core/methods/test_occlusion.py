"""Occlusion: exact numbers on linear models, axioms, no dead border, no picture asked twice."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, Remembering, model_of, random_image, random_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from xai_core.errors import ParamError
from xai_core.families.baselines import baseline_picture
from xai_core.methods.occlusion import Occlusion

WEIGHTS = random_weights()
IMAGE = random_image()
TARGETS = np.array([1, 2])


def estimates(method, network=None, image=IMAGE, memory=None, targets=TARGETS):
    return list(method.explain(model_of(network or LinearNetwork(WEIGHTS), memory), image, targets))


def by_hand(weights, image, fill, patch, stride):
    """Fall of a linear score, patch by patch, and its mean over the patches that hide a pixel."""
    height, width = image.shape[:2]
    falls = (weights * (image - fill)).sum(axis=-1)
    total, count = np.zeros((height, width)), np.zeros((height, width))
    tops, lefts = ([*range(0, side - patch, stride), side - patch] for side in (height, width))
    for square in (np.s_[top : top + patch, left : left + patch] for top in tops for left in lefts):
        total[square] += falls[square].sum()
        count[square] += 1
    return total / count


@pytest.mark.parametrize("fill", ["black", "grey", "mean", "blurred"])
@pytest.mark.parametrize(("patch", "stride"), [(4, 4), (5, 3), (8, 1), (7, 7)])
def test_a_linear_model_gets_the_mean_fall_of_the_patches_over_a_pixel(patch, stride, fill):
    found = estimates(Occlusion(patch=patch, stride=stride, fill=fill, score="logit"))[-1].maps
    for target, map_ in zip(TARGETS, found, strict=True):
        expected = by_hand(WEIGHTS[target], IMAGE, baseline_picture(fill, IMAGE), patch, stride)
        np.testing.assert_allclose(map_, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("pixel", [(0, 0), (9, 6), (15, 15), (0, 15)])
def test_a_model_of_one_pixel_gets_its_fall_where_patches_hide_it_and_nothing_elsewhere(pixel):
    weights = np.zeros((3, 16, 16, 3))
    weights[1][pixel] = (1, 2, 3)
    found = estimates(Occlusion(patch=4, stride=4, fill="black", score="logit"), LinearNetwork(weights))[-1].maps[0]
    hidden = np.zeros((16, 16), bool)
    hidden[pixel[0] // 4 * 4 :, pixel[1] // 4 * 4 :][:4, :4] = True
    np.testing.assert_allclose(found[hidden], IMAGE[pixel] @ [1, 2, 3], rtol=1e-5)
    assert (found[~hidden] == 0).all()


@pytest.mark.parametrize("stride", [1, 3, 5])
def test_the_map_of_a_model_of_one_pixel_is_greatest_at_that_pixel(stride):
    weights = np.zeros((3, 17, 16, 3))
    weights[1, 16, 3] = 1
    image = random_image(17, 16)
    found = estimates(Occlusion(patch=5, stride=stride, fill="black", score="logit"), LinearNetwork(weights), image)
    assert found[-1].maps[0, 16, 3] == pytest.approx(found[-1].maps[0].max())
    assert found[-1].maps[0, 16, 3] == pytest.approx(image[16, 3].sum(), rel=1e-5)


@given(height=st.integers(8, 21), width=st.integers(8, 21), patch=st.integers(4, 8), stride=st.integers(1, 8))
@settings(deadline=None, max_examples=40)
def test_every_pixel_is_hidden_at_least_once(height, width, patch, stride):
    network = LinearNetwork(np.ones((1, height, width, 3)) / 100)
    method = Occlusion(patch=patch, stride=min(stride, patch), fill="black", score="logit")
    (*_, last) = method.explain(model_of(network), np.ones((height, width, 3), np.float32), np.array([0]))
    np.testing.assert_allclose(last.maps, patch * patch * 3 / 100, rtol=1e-4)


@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=25)
def test_patches_over_pixels_that_the_model_does_not_use_get_nothing(seed):
    weights = random_weights(seed=seed)
    weights[:, :8] = 0
    maps = estimates(Occlusion(patch=4, stride=4), LinearNetwork(weights))[-1].maps
    assert (maps[:, :8] == 0).all()
    assert (maps[:, 8:] != 0).any()


@given(seed=st.integers(0, 1000), axis=st.integers(0, 1))
@settings(deadline=None, max_examples=25)
def test_a_mirrored_picture_and_model_give_the_mirrored_map(seed, axis):
    method = Occlusion(patch=6, stride=5, score="logit")
    weights, image = random_weights(seed=seed), random_image(seed=seed)
    maps = estimates(method, LinearNetwork(weights), image)[-1].maps
    mirrored = estimates(method, LinearNetwork(np.flip(weights, axis + 1)), np.flip(image, axis).copy())[-1].maps
    np.testing.assert_allclose(np.flip(mirrored, axis + 1), maps, rtol=1e-4, atol=1e-6)


def test_the_batch_size_does_not_change_the_map():
    one, many = (estimates(Occlusion(patch=5, stride=2, batch_size=size))[-1].maps for size in (1, 128))
    np.testing.assert_allclose(one, many, rtol=1e-5, atol=1e-7)


def test_a_preview_covers_the_whole_picture():
    weights = np.ones((3, 16, 16, 3)) / 100
    first, *_ = estimates(
        Occlusion(patch=4, stride=1, score="logit", fill="black", batch_size=4), LinearNetwork(weights)
    )
    assert (first.maps > 0).all()


def test_a_preview_tells_one_side_of_the_picture_from_the_other():
    weights = np.zeros((3, 16, 16, 3))
    weights[:, :, 8:] = 0.01
    found = estimates(Occlusion(patch=4, stride=1, score="logit", fill="black", batch_size=5), LinearNetwork(weights))
    assert len(found) > 20
    assert found[0].maps[0, :, 12:].min() > found[0].maps[0, :, :4].max()


def test_fractions_rise_to_one():
    fractions = [e.fraction for e in estimates(Occlusion(patch=4, stride=2))]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_each_picture_is_asked_for_once_and_the_untouched_one_too():
    network = LinearNetwork(WEIGHTS)
    estimates(Occlusion(patch=4, stride=4, batch_size=6), network)
    assert network.asked == [1, 6, 6, 4]


def test_another_class_and_another_score_cost_no_forward_pass():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(Occlusion(patch=4, stride=2, score="probability"), network, memory=memory)
    network.asked.clear()
    found = estimates(Occlusion(patch=4, stride=2, score="logit"), network, memory=memory, targets=np.array([0]))
    assert network.asked == []
    expected = estimates(Occlusion(patch=4, stride=2, score="logit"), targets=np.array([0]))
    np.testing.assert_array_equal(found[-1].maps, expected[-1].maps)


@pytest.mark.parametrize("change", [{"patch": 5}, {"stride": 3}, {"fill": "black"}])
def test_other_patches_are_asked_for_anew(change):
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    settings = {"patch": 4, "stride": 2, "fill": "grey"}
    estimates(Occlusion(**settings), network, memory=memory)
    network.asked.clear()
    estimates(Occlusion(**settings | change), network, memory=memory)
    assert sum(network.asked) > 1


def test_another_picture_is_asked_for_anew():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(Occlusion(patch=4, stride=4), network, memory=memory)
    network.asked.clear()
    estimates(Occlusion(patch=4, stride=4), network, random_image(seed=9), memory=memory)
    assert sum(network.asked) == 17


def test_a_run_that_was_cancelled_is_continued():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    method = Occlusion(patch=4, stride=4, batch_size=6)
    stopped = method.explain(model_of(network, memory), IMAGE, TARGETS)
    next(stopped)
    stopped.close()
    found = estimates(method, network, memory=memory)[-1].maps
    assert sum(network.asked) == 17
    np.testing.assert_array_equal(found, estimates(method)[-1].maps)


def test_a_stride_beyond_the_patch_is_refused():
    with pytest.raises(ParamError, match="a stride of 9 px and a patch of 8 px"):
        Occlusion(patch=8, stride=9)


def test_a_patch_beyond_half_the_side_is_refused():
    with pytest.raises(ParamError, match="Patch must be between 4 and 8 px; got 9"):
        Occlusion.fitted((16, 20), {"patch": 9, "stride": 2})


@pytest.mark.parametrize("side", [8, 16, 28, 32, 224])
def test_the_defaults_suit_any_size(side):
    method = Occlusion.fitted((side, side + 3))
    assert method.stride <= method.patch <= side / 2
