from __future__ import annotations

from dataclasses import replace

import numpy as np


def test_a_part_has_all_columns_of_its_pictures(predictions):
    found = predictions([0, 1, 1], probabilities=[[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], colour=["red", "blue", "red"])
    found = replace(found, files=np.array(["a", "b", "c"]), heads={"text": np.eye(3, 2, dtype=np.float32)})
    part = found.chosen(np.array([True, False, True]))
    assert len(part) == 2
    assert part.truth.tolist() == [0, 1]
    assert part.attributes["colour"].tolist() == ["red", "red"]
    assert part.files.tolist() == ["a", "c"]
    assert part.heads["text"].tolist() == [[1, 0], [0, 0]]
    assert part.confidence.tolist() == np.array([0.9, 0.6], np.float32).tolist()
    assert found.chosen(np.array([2, 0])).files.tolist() == ["c", "a"]


def test_confidence_is_that_of_the_predicted_class(predictions):
    found = predictions([0, 1], [1, 1], probabilities=[[0.9, 0.1], [0.2, 0.8]])
    assert found.confidence.tolist() == np.array([0.1, 0.8], np.float32).tolist()
    assert predictions([0, 1], [1, 1]).confidence is None
