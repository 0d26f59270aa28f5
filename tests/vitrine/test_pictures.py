"""Pictures come in every form that Python code holds them in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from vitrine.pictures import as_picture, as_pictures
from xai_core.errors import ImageError
from xai_core.preprocessing import presets

PIXELS = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
SHARES = PIXELS.astype(np.float32) / 255


@pytest.mark.parametrize(
    "picture",
    [
        PIXELS,
        SHARES,
        SHARES.astype(np.float64),
        Image.fromarray(PIXELS),
        torch.from_numpy(PIXELS),
        torch.from_numpy(SHARES),
        torch.from_numpy(SHARES).permute(2, 0, 1),
        torch.from_numpy(PIXELS).permute(2, 0, 1),
        torch.from_numpy(SHARES).permute(2, 0, 1).half().float().requires_grad_(),
    ],
    ids=["uint8", "floats", "doubles", "PIL", "bytes HWC", "HWC", "CHW", "bytes CHW", "with a gradient"],
)
def test_every_form_holds_the_same_picture(picture):
    assert np.abs(as_picture(picture).pixels.astype(int) - PIXELS).max() <= 1


def test_a_file_is_called_by_its_name(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "cat.png")
    picture = as_picture(tmp_path / "cat.png")
    assert (picture.name, picture.pixels.shape) == ("cat.png", (20, 30, 3))


def test_grey_and_transparent_arrays_become_rgb():
    grey = as_picture(PIXELS[..., 0])
    assert np.array_equal(grey.pixels, np.repeat(PIXELS[..., :1], 3, axis=2))
    clear = as_picture(np.concatenate([PIXELS, np.zeros((20, 30, 1), np.uint8)], axis=2))
    assert (clear.pixels == 255).all()


@pytest.mark.parametrize(("kind", "top"), [(np.float32, 1.0), (np.uint16, 65535), (np.uint8, 255)])
def test_dark_arrays_of_bands_stay_as_dark_as_they_are(kind, top):
    picture = as_picture(np.full((20, 30, 5), 0.2 * top, kind))
    np.testing.assert_allclose(picture.placed(presets(20, 30, 5)["0..1"]), 0.2, atol=1e-4)


def test_lists_and_batches_are_several_pictures():
    assert [picture.name for picture in as_pictures([PIXELS, SHARES])] == ["picture 1", "picture 2"]
    assert len(as_pictures(np.stack([PIXELS] * 3))) == 3
    assert len(as_pictures(torch.rand(2, 3, 20, 30))) == 2


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (SHARES * 255, r"floats must lie between 0 and 1; got 0 to 25[34]"),
        (SHARES * 2 - 1, "before it was normalised"),
        (PIXELS.transpose(2, 0, 1), "channels last"),
        (PIXELS.astype(np.int64), "astype"),
        (np.full((20, 30, 3), np.nan), "not numbers"),
        (np.zeros((20, 30, 65), np.uint8), r"got an array of shape \(20, 30, 65\)"),
        (3, "got int"),
        ([], "no picture"),
        (np.zeros((0, 20, 30, 3), np.uint8), "no picture"),
        ("gone.png", "gone.png"),
    ],
)
def test_what_is_no_picture_is_a_sentence(picture, sentence):
    with pytest.raises(ImageError, match=sentence):
        as_pictures(picture)
