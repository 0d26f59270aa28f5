from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xai_core.bias.heads import ensemble, head_figures
from xai_core.bias.rates import wilson


def test_the_case_of_three_heads(case, predictions):
    given, expected = case("mtl_three_heads")
    heads = {name: np.array(given[name], np.float32) for name in ("z1", "z2", "z3")}
    together = ensemble(heads)
    np.testing.assert_allclose(together, expected["ensemble_softmax"], rtol=1e-6)
    assert together.argmax(axis=1).tolist() == expected["ensemble_pred"]
    found = replace(predictions(given["target"], [0, 0], classes=3), heads=heads)
    figures = {one.name: one.accuracy for one in head_figures(found)}
    assert figures == {"z1": 1.0, "z2": 1.0, "z3": 0.0, "ensemble": 1.0}


def test_a_head_has_its_interval_and_one_alone_no_ensemble(predictions):
    logits = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    found = replace(predictions([0, 1, 1, 1], [0, 0, 1, 1]), heads={"text": logits})
    (figure,) = head_figures(found, interval_level=0.9)
    assert (figure.name, figure.accuracy) == ("text", 0.75)
    assert (figure.low, figure.high) == pytest.approx(wilson(3, 4, 0.9))


def test_without_heads_there_is_nothing_and_without_pictures_nothing_is_defined(predictions):
    found = predictions([0, 1], [0, 1])
    assert head_figures(found) == []
    empty = replace(found, heads={"text": np.eye(2, dtype=np.float32)}).chosen(np.zeros(2, bool))
    assert [one.accuracy for one in head_figures(empty)] == [None]
