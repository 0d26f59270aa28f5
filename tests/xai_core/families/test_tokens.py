"""Only layers of attention that affect the score are read."""

from __future__ import annotations

import numpy as np

from xai_core.families.tokens import that_count


def layers(*gradients):
    weights = np.ones((len(gradients), 2, 3, 3), np.float32)
    return weights, weights * np.array(gradients, np.float32)[:, None, None, None]


def test_last_layers_that_the_score_does_not_read_are_left_out():
    weights, gradients = that_count(*layers(0.5, 0.25, 0.0, 0.0))
    assert (len(weights), gradients[:, 0, 0, 0].tolist()) == (2, [0.5, 0.25])


def test_an_earlier_layer_without_gradient_stays():
    assert len(that_count(*layers(0.5, 0.0, 0.25))[0]) == 3


def test_without_any_gradient_all_layers_stay():
    assert len(that_count(*layers(0.0, 0.0))[0]) == 2
