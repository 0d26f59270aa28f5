"""Occlusion sensitivity: how far the score falls when a patch of the picture is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

from xai_core.errors import ParamError
from xai_core.families.baselines import baseline_picture
from xai_core.families.patches import Fill, Lattice, hidden
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.params import Range, ShareOfSide
from xai_core.types import Capability, Estimate, Floats, Indices

HALF = ShareOfSide(0.5)


@method(
    "occlusion",
    title="Occlusion sensitivity",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014, arXiv 1311.2901",
    cost="one forward pass per position of the patch, for any number of targets",
    guide=Guide(
        answers="How far does the score fall when this part of the picture is hidden?",
        choose="For any model, and when the answer must be easy to explain: it is an experiment, not a formula.",
        limits="Parts that can replace each other seem unimportant, and a hidden patch is itself unusual to the model.",
    ),
)
class Occlusion(Method):
    """Hide one patch after another and measure how far the score falls."""

    patch: Annotated[int, Range(4, HALF, unit="px"), "Side of the square that hides a part of the picture."] = 24
    stride: Annotated[int, Range(1, HALF, unit="px"), "How far the patch moves; smaller is slower and finer."] = 8
    fill: Fill = "grey"
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12

    def check(self) -> None:
        if self.stride > self.patch:
            raise ParamError(
                f"Stride must not exceed the patch, or pixels between two patches are never hidden; "
                f"got a stride of {self.stride} px and a patch of {self.patch} px."
            )

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        lattice = Lattice(image.shape[:2], self.patch, self.stride, len(targets))
        fill = baseline_picture(self.fill, image)
        outputs = PerturbedOutputs(model, image, method=self.id, patch=self.patch, stride=self.stride, fill=self.fill)
        raw = outputs.rows(0, 1, lambda skip: image[None])
        whole = model.as_score(raw, self.score)[:, targets]
        end = 1 + len(lattice.visits)
        for start, stop, worth_a_preview in outputs.batches(1, end, self.batch_size):
            raw = outputs.rows(start, stop, partial(hidden, image, fill, lattice.squares(start - 1, stop - 1)))
            lattice.enter(start - 1, whole - model.as_score(raw, self.score)[:, targets])
            if worth_a_preview:
                yield Estimate(stop / end, lattice.maps())
