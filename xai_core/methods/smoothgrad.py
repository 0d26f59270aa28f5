"""SmoothGrad: the mean gradient of noisy copies of the picture."""

from __future__ import annotations

import numpy as np

from xai_core.families.channels import Reduction, reduced
from xai_core.families.noisy_gradients import Moments, NoisyGradients
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats


@method(
    "smoothgrad",
    title="SmoothGrad",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Smilkov, Thorat, Kim, Viégas, Wattenberg, SmoothGrad, 2017, arXiv 1706.03825",
    cost="at most `samples` backward passes per target",
    guide=Guide(
        answers="Which pixels change the score most, not just for this picture but for all pictures close to it?",
        choose="When the plain gradient is too noisy to read.",
        limits="Like the gradient, it shows sensitivity, not contribution. Strong noise makes pictures unlike yours.",
    ),
)
class SmoothGrad(NoisyGradients):
    """Average the gradient over noisy copies of the picture."""

    reduction: Reduction = "max_abs"

    def maps(self, moments: Moments) -> tuple[Floats, Floats]:
        errors = moments.standard_error(moments.variances)
        if self.reduction == "sum":
            error = np.sqrt((errors**2).sum(axis=-1))
        else:
            strongest = np.abs(moments.first).argmax(axis=-1)[..., None]
            error = np.take_along_axis(errors, strongest, axis=-1)[..., 0]
        return reduced(np.asarray(moments.first, np.float32), self.reduction), np.asarray(error, np.float32)
