"""Superpixels: about as many as asked for, the same each time, and a grid where there is nothing to go by."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from xai_core.families.superpixels import ALGORITHMS, superpixels

CUT = sorted(ALGORITHMS)


@pytest.fixture(scope="module")
def scene():
    """Soft blobs of colour with a little grain, (96, 120, 3)."""
    random = np.random.default_rng(0)
    down, across = np.mgrid[:96, :120]
    places, colours = random.random((12, 2)) * (96, 120), random.random((12, 3))
    distances = np.hypot(down[..., None] - places[:, 0], across[..., None] - places[:, 1])
    grain = random.normal(scale=0.03, size=(96, 120, 3))
    return np.clip(colours[distances.argmin(axis=2)] + grain, 0, 1).astype(np.float32)


@pytest.mark.parametrize("algorithm", [*CUT, "grid"])
@pytest.mark.parametrize("count", [10, 50])
def test_there_are_about_as_many_as_asked_for(scene, algorithm, count):
    found = superpixels(algorithm, scene, count)
    assert found.labels.shape == scene.shape[:2]
    assert count / 2 <= found.count <= count * 1.5
    np.testing.assert_array_equal(np.unique(found.labels), np.arange(found.count))
    assert found.notes == ()


@pytest.mark.parametrize("algorithm", CUT)
def test_the_same_picture_is_cut_the_same_way(scene, algorithm):
    first, second = (superpixels(algorithm, scene, 20) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)


@pytest.mark.parametrize("algorithm", CUT)
def test_superpixels_follow_an_edge(algorithm):
    halves = np.zeros((40, 40, 3), np.float32)
    halves[:, 20:] = (0.9, 0.7, 0.1)
    labels = superpixels(algorithm, halves, 8).labels
    assert not set(np.unique(labels[:, :18])) & set(np.unique(labels[:, 22:]))


@pytest.mark.parametrize("size", [(64, 64), (8, 30), (5, 5)])
@pytest.mark.parametrize("algorithm", CUT)
def test_a_black_picture_is_cut_all_the_same(algorithm, size):
    found = superpixels(algorithm, np.zeros((*size, 3), np.float32), 12)
    assert found.count > 1


def test_a_picture_without_parts_is_cut_into_a_grid_and_a_note_says_so():
    found = superpixels("felzenszwalb", np.zeros((64, 64, 3), np.float32), 16)
    assert found.count == 16
    assert "felzenszwalb found no regions" in found.notes[0]


def test_a_large_picture_is_cut_as_seen_from_afar(scene):
    large = np.repeat(np.repeat(scene, 6, axis=0), 6, axis=1)
    found = superpixels("slic", large, 30)
    assert found.labels.shape == large.shape[:2]
    assert 15 <= found.count <= 45


def test_scikit_image_is_not_imported_before_it_is_needed():
    script = "import sys, xai_core.methods; print([m for m in sys.modules if m in ('skimage', 'scipy.stats')])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=540, check=True)
    assert ran.stdout.strip() == "[]"
