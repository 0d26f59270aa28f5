"""Layer-wise relevance propagation: the score redistributed through the network, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from xai_core.families.channels import one_image_a_target
from xai_core.method import Guide, Method, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Capability, Estimate, Floats, Indices, Propagation


@method(
    "lrp",
    title="LRP",
    group="Propagation",
    needs=Capability.PROPAGATION,
    source="Bach and others, On Pixel-Wise Explanations by Layer-Wise Relevance Propagation, 2015, PLoS ONE 10; rules "
    "as in Montavon and others, Layer-Wise Relevance Propagation: An Overview, 2019",
    cost="one backward pass per target",
    guide=Guide(
        answers="How much of the class score does each pixel receive if every layer passes on all it gets?",
        choose="For sharp signed maps of convolutional networks. Epsilon is the plainest rule; gamma and alpha-beta "
        "give smoother maps.",
        limits="The rule is a choice, and maps differ widely between rules. Biases absorb part of the score. "
        "Patents may cover commercial use (EP3271863B1, US12061966).",
    ),
)
class Lrp(Method):
    """Redistribute the class score through the network, layer by layer, down to the pixels."""

    rule: Annotated[
        Literal["epsilon", "gamma", "alpha_beta"],
        "How a layer distributes relevance: in proportion (epsilon), favouring positive contributions (gamma), or "
        "positive and negative separately (alpha-beta).",
    ] = "gamma"
    epsilon: Annotated[
        float,
        Range(0.0001, 1, 0.0001),
        "For the epsilon rule: a higher value absorbs more of the weak and contradictory relevance.",
    ] = 0.001
    gamma: Annotated[
        float, Range(0.01, 2, 0.01), "For the gamma rule: a higher value favours positive contributions more."
    ] = 0.03
    alpha: Annotated[
        float,
        Range(1, 4, 0.5),
        "For the alpha-beta rule: the weight of positive contributions; negative ones get one less.",
    ] = 2.0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        constants = Propagation(self.rule, self.epsilon, self.gamma, self.alpha)
        maps = model.propagate(one_image_a_target(image, len(targets)), targets, constants)
        logits = model.predict(image[None], "logit")[0, targets]
        kept = tuple(float(m.sum() / logit) if logit else None for m, logit in zip(maps, logits, strict=True))
        yield Estimate(1.0, maps, {"share_of_the_score": kept})
