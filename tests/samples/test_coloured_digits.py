from __future__ import annotations

import numpy as np
import torch

from samples.bias import coloured_digits
from samples.digits.mnist import Glyphs
from xai_core.bias.reading import read_predictions


def glyphs(number=200):
    random = np.random.default_rng(0)
    return Glyphs(random.integers(0, 256, (number, 28, 28), np.uint8), np.arange(number, dtype=np.uint8) % 10)


def test_the_share_of_digits_that_was_asked_for_has_the_usual_ink():
    for share in (0.0, 0.5, 1.0):
        made = coloured_digits.coloured(glyphs(2000), 1000, share, 0)
        usual = (made.labels.numpy() < 5) == (made.colours == "red")
        assert abs(usual.mean() - share) < 0.05
        assert np.bincount(made.labels).tolist() == [100] * 10


def test_red_ink_is_red_and_green_ink_green():
    made = coloured_digits.coloured(glyphs(), 200, 0.5, 0)
    assert made.pictures.shape == (200, 3, 28, 28)
    assert 0 <= made.pictures.min() <= made.pictures.max() <= 1
    red, green, _ = made.pictures.mean(dim=(2, 3)).T.numpy()
    assert ((red > green) == (made.colours == "red")).all()


def test_the_same_seed_gives_the_same_pictures_and_another_one_others():
    one, same, other = (coloured_digits.coloured(glyphs(), 100, 0.5, seed) for seed in (1, 1, 2))
    assert torch.equal(one.pictures, same.pictures)
    assert not torch.equal(one.pictures, other.pictures)


def test_what_is_written_is_a_table_that_can_be_read(tmp_path):
    made = coloured_digits.coloured(glyphs(), 100, 0.5, 0)
    torch.manual_seed(0)
    probabilities = coloured_digits.predicted(coloured_digits.train(made, epochs=1), made.pictures)
    coloured_digits.write(tmp_path / "made.npz", made, probabilities)
    found = read_predictions((tmp_path / "made.npz").read_bytes(), "made")
    assert found.truth.tolist() == made.labels.tolist()
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-3)
    assert found.attributes["colour"].tolist() == made.colours.tolist()


def test_the_file_that_comes_with_the_code_is_small_and_balanced():
    assert coloured_digits.FILE.stat().st_size < 1 << 20
    found = read_predictions(coloured_digits.FILE.read_bytes(), "digits")
    assert np.bincount(found.truth).tolist() == [coloured_digits.TEST_PICTURES // 10] * 10
    assert len(set(found.files.tolist())) == len(found) == coloured_digits.TEST_PICTURES
