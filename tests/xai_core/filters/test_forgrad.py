"""ForGrad against numbers worked out by hand, by a full Fourier transform and by xplique."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xai_core.errors import ParamError
from xai_core.filters.forgrad import ForGrad, frequencies, low_pass

EXPECTED = json.loads((Path(__file__).parent / "forgrad_8x8.json").read_text())
MAP = np.array(EXPECTED["map"], np.float32)[None]


def random_maps(height, width, count=2):
    return np.random.default_rng(height * width).normal(size=(count, height, width)).astype(np.float32)


def by_full_transform(map_, sigma):
    """Low-pass as a sum of waves, frequency by frequency."""
    height, width = map_.shape
    filtered = np.zeros((height, width), complex)
    coefficients = np.fft.fft2(map_) / (height * width)
    y, x = np.indices((height, width))
    for u in range(height):
        for v in range(width):
            down, across = (n if n <= side / 2 else n - side for n, side in ((u, height), (v, width)))
            if down**2 + across**2 <= sigma**2:
                filtered += coefficients[u, v] * np.exp(2j * np.pi * (u * y / height + v * x / width))
    return filtered


@pytest.mark.parametrize("sigma", ["0.5", "1", "2", "4"])
def test_known_values_are_reproduced(sigma):
    filtered = np.abs(low_pass(np.abs(MAP), float(sigma)))
    np.testing.assert_allclose(filtered, [EXPECTED["low_pass"][sigma]], atol=1e-6)


@pytest.mark.parametrize("size", [(5, 5), (8, 8), (7, 12), (12, 7), (9, 10), (15, 15)])
@pytest.mark.parametrize("sigma", [1, 2.5, 3])
def test_any_height_and_width_are_exact(size, sigma):
    maps = random_maps(*size)
    for map_, filtered in zip(maps, ForGrad(sigma=sigma, signed=True).apply(maps), strict=True):
        expected = by_full_transform(map_.astype(np.float64), sigma)
        np.testing.assert_allclose(expected.imag, 0, atol=1e-9)
        np.testing.assert_allclose(filtered, expected.real, atol=1e-5)


def test_the_paper_filters_the_magnitude_and_takes_the_magnitude_again():
    maps = random_maps(9, 10)
    np.testing.assert_array_equal(ForGrad(sigma=2).apply(maps), np.abs(low_pass(np.abs(maps), 2)))


def test_clipping_sets_the_ringing_to_zero_and_leaves_the_rest():
    maps = random_maps(9, 10)
    smooth = low_pass(np.abs(maps), 4)
    assert (smooth < 0).any()
    np.testing.assert_array_equal(ForGrad(sigma=4, clip=True).apply(maps), np.where(smooth > 0, smooth, 0))


def test_the_signed_variant_is_linear():
    first, second = random_maps(9, 10)[:, None]
    keep = ForGrad(sigma=2, signed=True).apply
    np.testing.assert_allclose(keep(3 * first - second), 3 * keep(first) - keep(second), atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (7, 12)])
def test_a_large_sigma_keeps_everything(size):
    np.testing.assert_allclose(low_pass(random_maps(*size), 20), random_maps(*size), atol=1e-5)


def test_below_one_cycle_only_the_mean_remains():
    maps = random_maps(7, 12)
    np.testing.assert_allclose(low_pass(maps, 0.9), maps.mean(axis=(1, 2), keepdims=True) + 0 * maps, atol=1e-6)


def test_the_mean_is_always_kept():
    maps = random_maps(7, 12)
    filtered = ForGrad(sigma=2, signed=True).apply(maps)
    np.testing.assert_allclose(filtered.mean(axis=(1, 2)), maps.mean(axis=(1, 2)), atol=1e-6)


def test_maps_stay_float32_and_keep_their_shape():
    filtered = ForGrad(sigma=3).apply(random_maps(7, 12, 3))
    assert filtered.dtype == np.float32
    assert filtered.shape == (3, 7, 12)


@pytest.mark.parametrize("size", [(8, 8), (7, 12), (9, 9)])
def test_the_spectrum_has_the_mean_in_the_middle_and_marks_what_is_kept(size):
    maps = random_maps(*size) + 100
    seen = ForGrad(sigma=2, signed=True).spectrum(maps)
    middle = (size[0] // 2, size[1] // 2)
    assert np.unravel_index(seen.magnitude[0].argmax(), size) == middle
    rows, columns = np.indices(size)
    np.testing.assert_array_equal(seen.kept, np.hypot(rows - middle[0], columns - middle[1]) <= seen.radius)


def test_what_the_spectrum_marks_is_what_the_filter_keeps():
    maps = random_maps(9, 10)
    method = ForGrad(sigma=3, signed=True)
    left = np.abs(np.fft.fftshift(np.fft.fft2(method.apply(maps)), axes=(1, 2)))
    kept = method.spectrum(maps).kept
    assert left[:, ~kept].max() < 1e-4
    np.testing.assert_allclose(np.log1p(left[:, kept]), method.spectrum(maps).magnitude[:, kept], atol=1e-4)


def test_frequencies_are_whole_cycles_per_picture():
    np.testing.assert_array_equal(frequencies(5, 1)[:, 0], [0, 1, 2, 2, 1])
    np.testing.assert_array_equal(frequencies(1, 4)[0], [0, 1, 2, 1])


def test_the_default_is_limited_to_half_the_side():
    assert ForGrad.fitted((224, 224)).sigma == 15
    assert ForGrad.fitted((28, 20)).sigma == 10


def test_a_sigma_beyond_half_the_side_is_refused():
    with pytest.raises(ParamError, match="Sigma must be between 1 and 112 cycles per picture; got 113"):
        ForGrad.fitted((224, 224), {"sigma": 113})


XPLIQUE = """
import sys, numpy as np
from xplique.commons.forgrad import forgrad
inputs = np.load(sys.argv[1])
np.savez(sys.argv[2], **{n: np.asarray(forgrad(m, sigma=int(n.split("_")[1]))) for n, m in inputs.items()})
"""


@pytest.mark.long
def test_even_square_maps_agree_with_xplique(tmp_path):
    inputs = {f"{side}_{s}": random_maps(side, side) for side in (8, 32, 224) for s in (1, 3, side // 4, side // 2)}
    np.savez(tmp_path / "inputs.npz", **inputs)
    command = [sys.executable, "-W", "ignore", "-c", XPLIQUE, tmp_path / "inputs.npz", tmp_path / "answer.npz"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=540)
    assert ran.returncode == 0, ran.stderr[-2000:]
    answers = np.load(tmp_path / "answer.npz")
    for name, maps in inputs.items():
        filtered = ForGrad(sigma=float(name.split("_")[1])).apply(maps)
        np.testing.assert_allclose(filtered, answers[name].reshape(filtered.shape), atol=2e-5, err_msg=name)
