"""A classifier with several outputs, in the library."""

from __future__ import annotations

import numpy as np
import pytest

import vitrine
from tests.two_outputs import saved
from xai_core.errors import ChooseOutput, ParamError


def test_an_unclear_output_is_asked_for_once(tmp_path, picture_file):
    path = saved(tmp_path)
    with pytest.raises(
        ChooseOutput, match=r"'features' or 'logits'\. Choose one\. 'logits' is the most likely"
    ) as asked:
        vitrine.load(path, pictures=picture_file, preprocessing="0..1")
    features, logits, picture = asked.value.outputs
    assert [len(answer.top) for answer in (features, logits, picture)] == [3, 4, 0]
    assert logits.output.reason == "its name is usual for class scores"
    assert picture.in_words == "picture (2 × 3 × 32 × 32): not one score per class"
    with vitrine.load(path, output=logits.output.name, preprocessing="0..1") as model:
        top = model.predict(picture_file).top(4).rows
    assert [row["label"] for row in top] == [label for label, _ in logits.top]
    assert np.allclose([row["probability"] for row in top], [value for _, value in logits.top], atol=1e-5)


@pytest.mark.long
def test_an_output_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ParamError, match="No output called 'nowhere' can hold class scores"):
        vitrine.load(saved(tmp_path), output="nowhere")


def test_an_output_and_a_reading_exclude_each_other(tmp_path):
    with pytest.raises(ParamError, match="chosen for a classifier"):
        vitrine.load(saved(tmp_path), output="logits", task="detect")
