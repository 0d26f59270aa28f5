"""Signed maps become colours, overlays and files."""

from __future__ import annotations

import io
from typing import get_args, get_type_hints

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from xai_core.errors import DataError, ParamError
from xai_core.pictures.colour_maps import COLOUR_MAPS, colour_table
from xai_core.pictures.overlays import AUTOMATIC, Look, heat_map, jpeg_bytes, overlay, png_bytes, scale_limits

SIGNED = np.array([[-2, 0], [1, 2]], np.float32)
PHOTO = np.full((4, 4, 3), 100, np.uint8)
DIVERGING = [name for name, colours in COLOUR_MAPS.items() if colours.diverging]
# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
DEFICIENT = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


def luminance(table: np.ndarray) -> np.ndarray:
    return (table / 255) ** 2.2 @ [0.2126, 0.7152, 0.0722]


def test_the_look_offers_every_colour_map() -> None:
    choices = get_args(get_args(get_type_hints(Look, include_extras=True)["colour_map"])[0])
    assert choices == ("automatic", *COLOUR_MAPS)
    assert set(AUTOMATIC.values()) <= set(COLOUR_MAPS)


@pytest.mark.parametrize("name", ["viridis", "inferno", "cividis"])
def test_viridis_inferno_and_cividis_match_their_references(name: str) -> None:
    known = np.rint(np.array(colormaps[name].colors) * 255)
    assert np.abs(colour_table(name).astype(float) - known).max() <= 6


@pytest.mark.parametrize("name", [name for name in COLOUR_MAPS if name not in DIVERGING])
def test_sequential_maps_grow_lighter_throughout(name: str) -> None:
    assert (np.diff(luminance(colour_table(name))) >= -1e-3).all()


@pytest.mark.parametrize("name", DIVERGING)
def test_diverging_maps_darken_equally_on_both_sides_of_a_light_middle(name: str) -> None:
    light = luminance(colour_table(name))
    assert light.argmax() in (127, 128)
    np.testing.assert_allclose(light, light[::-1], atol=0.06)


@pytest.mark.parametrize("sight", DEFICIENT)
@pytest.mark.parametrize("name", DIVERGING)
def test_the_ends_of_diverging_maps_differ_for_colour_blind_readers(name: str, sight: str) -> None:
    linear = (colour_table(name)[[0, 64, 191, 255]] / 255) ** 2.2 @ np.array(DEFICIENT[sight]).T
    seen = np.clip(linear, 0, 1) ** (1 / 2.2) * 255
    assert np.linalg.norm(seen[0] - seen[3]) > 90
    assert np.linalg.norm(seen[1] - seen[2]) > 60


def test_limits_are_symmetric_for_diverging_maps_and_the_extremes_for_others() -> None:
    assert scale_limits(SIGNED - 1, "blue-red") == (-3, 3)
    assert scale_limits(SIGNED - 1, "viridis") == (-3, 1)


@pytest.mark.parametrize("broken", [np.full((2, 2), np.nan, np.float32), np.empty((0, 2), np.float32)])
def test_a_map_without_finite_numbers_has_no_limits(broken: np.ndarray) -> None:
    with pytest.raises(DataError, match="finite numbers"):
        scale_limits(broken, "blue-red")


def test_zero_is_drawn_white_and_the_signs_blue_and_red() -> None:
    drawn = heat_map(SIGNED, Look()).astype(int)
    assert np.ptp(drawn[0, 1]) <= 8 and drawn[0, 1].min() > 235  # noqa: PT018
    assert drawn[0, 0, 2] > drawn[0, 0, 0] + 100
    assert drawn[1, 1, 0] > drawn[1, 1, 2] + 100


def test_a_map_of_one_sign_is_drawn_in_a_sequential_map() -> None:
    assert np.array_equal(heat_map(np.abs(SIGNED), Look())[0, 1], colour_table("inferno")[0])


def test_a_map_of_zeros_is_drawn_as_zero() -> None:
    assert (heat_map(np.zeros((2, 2), np.float32), Look(colour_map="blue-red")) > 235).all()
    assert (heat_map(np.zeros((2, 2), np.float32), Look()) == colour_table("inferno")[0]).all()


def test_given_limits_apply_to_every_map() -> None:
    assert np.array_equal(heat_map(SIGNED / 2, Look(), (-2, 2))[1, 1], heat_map(SIGNED, Look())[1, 0])


def test_an_overlay_of_no_opacity_is_the_photo() -> None:
    assert np.array_equal(overlay(PHOTO, SIGNED, Look(opacity=0)), PHOTO)


def test_an_overlay_of_full_opacity_that_does_not_fade_is_the_map() -> None:
    drawn = overlay(PHOTO, SIGNED, Look(opacity=1, fade=False, smooth=False))
    assert np.array_equal(drawn, heat_map(SIGNED, Look()).repeat(2, 0).repeat(2, 1))


def test_a_fading_overlay_leaves_the_photo_where_the_map_is_zero() -> None:
    drawn = overlay(PHOTO, SIGNED, Look(opacity=1, smooth=False))
    assert (drawn[:2, 2:] == 100).all()
    assert np.array_equal(drawn[3, 3], heat_map(SIGNED, Look())[1, 1])


def test_a_smooth_overlay_of_a_positive_ramp_keeps_its_order() -> None:
    ramp = np.tile(np.arange(4, dtype=np.float32), (4, 1))
    drawn = overlay(np.zeros((32, 32, 3), np.uint8), ramp, Look(opacity=1, fade=False, colour_map="gray"))
    assert (np.diff(drawn[16, :, 0].astype(int)) >= 0).all()
    assert len(np.unique(drawn[16, :, 0])) > 4


def test_an_opacity_above_one_is_refused() -> None:
    with pytest.raises(ParamError, match="Opacity"):
        Look(opacity=1.5)


def test_png_keeps_every_pixel_and_jpeg_is_a_jpeg() -> None:
    picture = heat_map(SIGNED, Look())
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(picture)))), picture)
    assert Image.open(io.BytesIO(jpeg_bytes(PHOTO))).format == "JPEG"
