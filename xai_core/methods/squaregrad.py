"""SquareGrad: the mean squared gradient of noisy copies of the picture."""

from __future__ import annotations

import numpy as np

from xai_core.families.noisy_gradients import Moments, NoisyGradients
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats


@method(
    "squaregrad",
    title="SquareGrad",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Hooker, Erhan, Kindermans, Kim, A Benchmark for Interpretability Methods in Deep Neural Networks, 2019, "
    "arXiv 1806.10758",
    cost="at most `samples` backward passes per target",
    guide=Guide(
        answers="Which pixels have a steep slope, up or down, for all pictures close to this one?",
        choose="When the ranking of pixels matters more than their sign: it did best in tests that remove pixels.",
        limits="It has no sign, and strong pixels dominate because slopes are squared.",
    ),
    class_sensitivity="low",
)
class SquareGrad(NoisyGradients):
    """Average the squared gradient over noisy copies of the picture."""

    def maps(self, moments: Moments) -> tuple[Floats, Floats]:
        errors = moments.standard_error(moments.fourth - moments.second**2)
        squares = moments.second.sum(axis=-1)
        return np.asarray(squares, np.float32), np.asarray(np.sqrt((errors**2).sum(-1)), np.float32)
