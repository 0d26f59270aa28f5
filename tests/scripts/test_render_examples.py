"""Example pictures: small, and from quick runs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from scripts.render_examples import FEWER, MOST_BYTES, encoded, quick
from xai_core.guide import catalogue


def test_even_noise_fits_into_the_size() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (192, 192, 3), np.uint8)
    assert len(encoded(Image.fromarray(noise))) <= MOST_BYTES


@pytest.mark.parametrize("method_id", sorted(catalogue()))
def test_quick_values_suit_the_method(method_id: str) -> None:
    values = quick(catalogue()[method_id])
    assert catalogue()[method_id].fitted((224, 224), values).values().items() >= values.items()


def test_many_samples_become_few() -> None:
    assert quick(catalogue()["rise"]) == {"samples": FEWER["samples"]}
