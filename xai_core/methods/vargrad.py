"""VarGrad: how much the gradient varies between noisy copies of the picture."""

from __future__ import annotations

import numpy as np

from xai_core.families.noisy_gradients import Moments, NoisyGradients
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats


@method(
    "vargrad",
    title="VarGrad",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Adebayo, Gilmer, Goodfellow, Kim, Local Explanation Methods for Deep Neural Networks Lack Sensitivity to "
    "Parameter Values, 2018, arXiv 1810.03307",
    cost="at most `samples` backward passes per target",
    guide=Guide(
        answers="Where does the score's slope itself change most when the picture changes a little?",
        choose="For clearer outlines than those of SmoothGrad.",
        limits="It has no sign, so it does not say whether a pixel speaks for or against the class.",
    ),
    class_sensitivity="low",
)
class VarGrad(NoisyGradients):
    """Take the variance of the gradient over noisy copies of the picture."""

    def maps(self, moments: Moments) -> tuple[Floats, Floats]:
        unbiased = moments.variances * moments.count / max(moments.count - 1, 1)
        errors = moments.standard_error(moments.central_fourth - moments.variances**2)
        return np.asarray(unbiased.sum(-1), np.float32), np.asarray(np.sqrt((errors**2).sum(-1)), np.float32)
