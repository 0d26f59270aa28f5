"""The warnings about the map of a box, on maps made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_fakes import SpotDetector

import xai_core.detection.methods  # noqa: F401
from xai_core.detection.honesty import box_warnings, share_inside
from xai_core.detection.method import detection_method_named
from xai_core.detector import BoxTarget
from xai_core.trust.honesty import Finding
from xai_core.types import Estimate

HEIGHT, WIDTH = 60, 80
BOX = BoxTarget((20.0, 10.0, 50.0, 40.0), 0, 0.9, (0.9, 0.0))
IMAGE = np.random.default_rng(5).random((HEIGHT, WIDTH, 3), np.float32)


def a_map(row=25, column=35, spread=40.0):
    """Return a map (1, h, w) with a smooth peak, by default inside the box."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / spread).astype(np.float32)[None]


def said(target=BOX, maps=None, error=None, image=IMAGE, method="box_occlusion", **settings):
    """Return the warnings about one map of one box."""
    finding = Finding(
        method=detection_method_named(method)(**settings),
        card=SpotDetector().card,
        estimate=Estimate(1.0, a_map() if maps is None else maps, standard_error=error),
        image=image,
        picture_size=(HEIGHT, WIDTH),
        probabilities=np.array([target.score], np.float32),
        targets=np.array([0]),
        names=("box 3 (cat)",),
    )
    return box_warnings(finding, [target])


def only(**changes):
    """Return the single warning that a change causes."""
    (sentence,) = said(**changes)
    assert sentence.endswith(".")
    return sentence


def test_a_sound_map_gets_no_warning():
    assert said() == ()


def test_a_box_blind_method_is_warned_about_and_its_map_may_lie_anywhere():
    sentence = only(method="eigencam", maps=a_map(row=55, column=5))
    assert "gives the same map for every box" in sentence


def test_a_constant_map_is_warned_about():
    assert "same everywhere" in only(maps=np.zeros((1, HEIGHT, WIDTH), np.float32))


def test_a_map_emptied_by_positive_only_points_to_that_switch():
    assert 'Switch off "Positive only"' in only(maps=np.zeros((1, HEIGHT, WIDTH), np.float32), method="ablationcam")


def test_much_noise_is_warned_about_with_the_remedy():
    error = np.full((1, HEIGHT, WIDTH), a_map().std() * 0.6, np.float32)
    assert "36% of what the map of box 3 (cat) shows may be noise. Use more samples." in said(
        error=error, method="drise"
    )


def test_an_empty_picture_is_warned_about():
    assert "black picture" in only(image=np.zeros_like(IMAGE))


def test_an_uncertain_box_is_warned_about():
    assert "The score of box 3 (cat) is only 29%" in only(target=replace(BOX, score=0.29))
    assert said(target=replace(BOX, score=0.3)) == ()


@pytest.mark.parametrize("corners", [(34.0, 10.0, 36.3, 40.0), (20.0, 24.0, 50.0, 25.7)])
def test_a_box_smaller_than_a_map_can_show_is_warned_about(corners):
    narrow = a_map(spread=0.1)
    assert "in a picture of 80 × 60, finer than a map can show" in only(
        target=replace(BOX, corners=corners), maps=narrow
    )


@pytest.mark.parametrize("corners", [(0, 10, 50, 40), (20, 0.5, 50, 40), (20, 10, 80, 40), (20, 10, 50, 59.5)])
def test_a_box_at_the_border_is_warned_about(corners):
    assert "touches the picture's border" in only(target=replace(BOX, corners=tuple(map(float, corners))))


def test_a_map_mostly_outside_its_box_is_warned_about_with_the_share_inside():
    maps = a_map() + 3 * a_map(row=50, column=70)
    share = share_inside(maps[0], BOX, (HEIGHT, WIDTH))
    assert share == pytest.approx(a_map()[0, 10:40, 20:50].sum() / maps.sum(), rel=0.01)
    assert f"Only {share:.0%} of what the map of box 3 (cat) shows lies inside the box" in only(maps=maps)


def test_negative_values_and_noise_do_not_count_as_outside_the_box():
    against = a_map() - 3 * a_map(row=50, column=70)
    assert said(maps=against) == ()
    ground = np.random.default_rng(0).normal(size=a_map().shape).astype(np.float32) * 0.02
    noisy = {"maps": a_map() + ground, "error": np.full(a_map().shape, 0.02, np.float32), "method": "drise"}
    assert share_inside(noisy["maps"][0], BOX, (HEIGHT, WIDTH)) < 0.9
    assert share_inside(noisy["maps"][0], BOX, (HEIGHT, WIDTH), noisy["error"][0]) > 0.95
    assert said(**noisy) == ()


def test_an_empty_map_has_no_share_inside():
    assert np.isnan(share_inside(-a_map()[0], BOX, (HEIGHT, WIDTH)))
    assert said(maps=-a_map()) == ()


def test_each_box_is_judged_by_its_own_map_and_place():
    names, targets = ("box 1 (cat)", "box 2 (dog)"), [BOX, replace(BOX, score=0.1, corners=(60.0, 42.0, 78.0, 58.0))]
    finding = Finding(
        method=detection_method_named("box_occlusion")(),
        card=SpotDetector().card,
        estimate=Estimate(1.0, np.concatenate([a_map(row=50, column=70), a_map(row=50, column=70)])),
        image=IMAGE,
        picture_size=(HEIGHT, WIDTH),
        probabilities=np.array([0.9, 0.1], np.float32),
        targets=np.arange(2),
        names=names,
    )
    first, second = box_warnings(finding, targets)
    assert "the map of box 1 (cat) shows lies inside" in first
    assert "The score of box 2 (dog) is only 10%" in second
