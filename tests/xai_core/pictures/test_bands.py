"""Pictures with other channels than colours: read whole, and shown as three of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from tests.fakes_parser import DirectParser
from xai_core.errors import ImageError
from xai_core.pictures.files import Picture, open_picture
from xai_core.pictures.opening import Opening
from xai_core.preprocessing import Preprocessing, presets
from xai_core.services.parsing.questions.open_picture import OpenPicture

SIX = (np.arange(20 * 30 * 6).reshape(20, 30, 6) % 4096).astype(np.uint16)


def tiff(values: np.ndarray, **layout: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="minisblack", **layout)
    return file.getvalue()


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        tiff(SIX, planarconfig="contig"),
        tiff(np.moveaxis(SIX, -1, 0), planarconfig="separate"),
        tiff(np.moveaxis(SIX, -1, 0), metadata=None),
        npy(SIX),
    ],
    ids=["samples", "planes", "pages", "npy"],
)
def test_six_bands_of_twelve_bits_are_read_whole(data):
    picture = DirectParser().ask(OpenPicture(data, "six"))
    assert (picture.bands.shape, picture.bands.dtype, picture.pixels.shape) == ((20, 30, 6), np.uint16, (20, 30, 3))
    np.testing.assert_allclose(picture.bands / 65535, SIX / 4095, atol=1e-5)
    sentence = f"from 0 to 4095 were scaled to 0..1. No value is above {SIX.max()}; if the model"
    assert any(sentence in note for note in picture.notes)


def test_what_becomes_1_can_be_declared_and_is_the_same_for_dark_pictures():
    opening = Opening(white=4095)
    for values in (SIX, SIX // 100):
        picture = DirectParser().ask(OpenPicture(npy(values), "six", opening))
        np.testing.assert_allclose(picture.bands / 65535, values / 4095, atol=1e-5)
        assert picture.white == 4095
    assert picture.digest != DirectParser().ask(OpenPicture(npy(values), "six")).digest


@pytest.mark.parametrize(("kind", "least", "most"), [(np.int16, -3, 500), (np.int64, -3, 500), (np.float32, 0, 1)])
def test_the_range_of_other_types_is_that_of_all_values_or_a_usual_one(kind, least, most):
    values = np.zeros((9, 9, 2), kind)
    values[0, 0] = -3 if least < 0 else 0.5
    values[1, 1] = 500 if least < 0 else 0.75
    found = open_picture(npy(values)).bands[[0, 1], [0, 1], 0] / 65535
    np.testing.assert_allclose(found, (values[[0, 1], [0, 1], 0] - float(least)) / (float(most) - least), atol=1e-5)


@pytest.mark.parametrize("turn", range(1, 9))
def test_bands_of_a_tiff_lie_as_its_orientation_says(turn):
    values = np.zeros((20, 30, 6), np.uint8)
    values[:5, :8] = 255  # one corner
    for layout in ({"planarconfig": "contig"}, {"metadata": None}):
        stored = values if "planarconfig" in layout else np.moveaxis(values, -1, 0)
        picture = open_picture(tiff(stored, extratags=[(274, "H", 1, turn, False)], **layout))
        expected = ImageOps.exif_transpose(with_orientation(Image.fromarray(values[..., 0]), turn))
        np.testing.assert_array_equal(picture.bands[..., 3], np.asarray(expected))
        np.testing.assert_array_equal(picture.pixels[..., 0], np.asarray(expected))
        assert "planarconfig" not in layout or any("rotated as its" in note for note in picture.notes) == (turn > 1)


def with_orientation(image: Image.Image, turn: int) -> Image.Image:
    image.getexif()[274] = turn
    return image


def pages_of(*pages: Image.Image) -> bytes:
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    return file.getvalue()


def test_pages_that_are_too_large_together_open_one_by_one(monkeypatch):
    data = pages_of(*(Image.new("L", (30, 20), grey) for grey in (10, 20, 30)))
    assert open_picture(data).bands.shape == (20, 30, 3)
    monkeypatch.setattr("xai_core.pictures.formats.MOST_BYTES", 30 * 20 * 3 * 2 - 1)
    picture = open_picture(data, page=1)
    assert picture.bands is None
    assert (picture.pixels == 20).all()


def test_pages_of_other_kinds_are_no_bands():
    for other in (Image.new("L", (31, 20)), Image.new("P", (30, 20)), Image.new("RGB", (30, 20))):
        assert open_picture(pages_of(Image.new("L", (30, 20)), other)).bands is None
    assert open_picture(pages_of(Image.new("P", (30, 20)), Image.new("P", (30, 20)))).bands is None


def test_the_shown_bands_can_be_chosen():
    bytes_ = (SIX >> 4).astype(np.uint8)
    picture = open_picture(npy(bytes_), opening=Opening(bands="6,1,2"))
    np.testing.assert_array_equal(picture.pixels, bytes_[..., [5, 0, 1]])
    np.testing.assert_array_equal(open_picture(npy(bytes_)).pixels, bytes_[..., :3])
    with pytest.raises(ImageError, match="from 1 to 6; got '7,1,1'"):
        open_picture(npy(bytes_), opening=Opening(bands="7,1,1"))


def test_transparency_is_a_fourth_channel_for_those_who_want_it():
    values = np.random.default_rng(0).integers(0, 255, (16, 16, 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    picture = open_picture(file.getvalue())
    np.testing.assert_array_equal(picture.bands, values)
    assert picture.notes == ("Transparent areas were filled with white.",)


def test_a_picture_is_placed_with_the_channels_that_the_model_takes():
    bands = np.zeros((8, 8, 2), np.uint16)
    bands[..., 1] = 65535
    picture = Picture(np.zeros((8, 8, 3), np.uint8), "two", "", bands=bands)
    way = presets(8, 8, 2)["0..1"]
    assert picture.suits(way)
    np.testing.assert_array_equal(picture.placed(way)[0, 0], [0, 1])
    assert picture.placed(Preprocessing(8, 8)).shape == (8, 8, 3)
    with pytest.raises(ImageError, match="two has 2 channels; the model takes pictures with 5"):
        picture.placed(presets(8, 8, 5)["0..1"])


def test_bands_are_fitted_as_colours_are():
    values = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    for fit in ("crop", "squash", "pad"):
        colours = Preprocessing(16, 16, fit=fit)
        bands = Preprocessing(16, 16, fit=fit, channels="bands")
        assert np.abs(colours.place(values) - bands.place(values)).max() < 1.5 / 255
