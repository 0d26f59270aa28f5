"""A method that lies on the wire. Only workers import this."""

from typing import Annotated, Literal

import attacks
import numpy as np

from xai_core.method import Guide, Method, method
from xai_core.types import Capability, Estimate


@method(
    "lying",
    title="Lying",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class Lying(Method):
    """Send frames past the worker's own code."""

    what: Annotated[Literal[(*attacks.LIES, "nothing")], "What to lie about."] = "nothing"

    def explain(self, model, image, targets):
        yield Estimate(0.1, np.zeros((1, *model.input_size), np.float32))
        attacks.lie_of(self.what, job=int(image[0, 0, 0]))
