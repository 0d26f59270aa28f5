"""A photo is encoded once."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vitrine.ui.drawing import encoded


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the photos that were encoded."""
    sizes: list[int] = []
    jpeg_bytes = encoded.jpeg_bytes
    monkeypatch.setattr(encoded, "jpeg_bytes", lambda photo: sizes.append(photo.size) or jpeg_bytes(photo))
    monkeypatch.setattr(encoded, "_photos", encoded.Memo(2))
    return sizes


def test_equal_photos_are_encoded_once(encodings: list[int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)
    first, second = encoded.jpeg(photo), encoded.jpeg(photo.copy())
    assert first == second
    assert encodings == [photo.size]
    assert Image.open(io.BytesIO(first)).size == (6, 8)


def test_a_photo_of_another_shape_or_colour_is_another_one(encodings: list[int]) -> None:
    grey = np.full((4, 6, 3), 128, np.uint8)
    assert len({encoded.jpeg(photo) for photo in (grey, grey.reshape(6, 4, 3), grey // 2)}) == 3
    assert len(encodings) == 3
    assert len(encoded._photos) == 2
