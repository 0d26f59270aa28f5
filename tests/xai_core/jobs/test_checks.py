"""What a worker sends is checked before anyone reads it."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.jobs import checks
from xai_core.jobs.frames import BadFrame


def test_a_text_is_cut_and_holds_no_control_characters():
    assert checks.text("a\x1b[31m\nb" + "c" * 1000) == ("a [31m b" + "c" * 1000)[: checks.LONGEST_TEXT]


def test_arrays_come_back_in_the_order_of_their_shapes():
    arrays = [np.zeros((2, 3), np.float32), np.ones(4, np.float32)]
    assert [array.sum() for array in checks.finite_arrays(arrays, (2, 3), (4,))] == [0, 4]


@pytest.mark.parametrize(
    "arrays", [[], [np.zeros(4, np.float32)] * 2, [np.zeros(4, np.int32)], [np.zeros((), np.float32)]]
)
def test_too_few_too_many_and_other_arrays_are_refused(arrays):
    with pytest.raises(BadFrame):
        checks.finite_arrays(arrays, (4,))
