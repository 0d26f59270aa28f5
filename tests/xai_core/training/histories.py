"""Histories for tests: drawn at random by hypothesis, and small ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xai_core.training.history import NO_DATA, History


def history_of(predictions: object, actual: object, classes: int | None = None, **more: object) -> History:
    found, truth = np.asarray(predictions, np.int64), np.asarray(actual, np.int64)
    count = classes or int(max(found.max(), truth.max())) + 1
    return History(
        "run",
        tuple(f"class {n}" for n in range(count)),
        found,
        truth,
        np.array([f"picture {n}" for n in range(len(truth))]),
        tuple(str(n) for n in range(found.shape[1])),
        **more,
    )


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any history: from one epoch, from one class, with cells and true classes that are not known."""
    pictures, epochs, classes = draw(st.integers(1, 9)), draw(st.integers(1, 7)), draw(st.integers(1, 5))
    numbers = st.integers(NO_DATA, classes - 1)
    predictions = draw(arrays(np.int64, (pictures, epochs), elements=numbers))
    return history_of(predictions, draw(arrays(np.int64, pictures, elements=numbers)), classes)
