"""Whether a score moved."""

from __future__ import annotations

import numpy as np

from xai_core.families.score_range import STILL, ScoreRange


def test_a_score_that_moves_by_rounding_stands_still():
    scores = ScoreRange(2)
    scores.add(np.array([[0.9, 0.2], [0.9 + 1e-7, 0.3]], np.float32))
    np.testing.assert_array_equal(scores.still, [True, False])
    np.testing.assert_array_equal(scores.moved(np.ones((2, 3))), [[0, 0, 0], [1, 1, 1]])
    assert scores.notes() == (STILL,)


def test_the_range_grows_over_batches():
    scores = ScoreRange(1)
    scores.add(np.array([[0.9]], np.float32))
    scores.add(np.array([[0.8]], np.float32))
    assert not scores.still.any()
    assert scores.notes() == ()
