"""Recognise the logits and boxes of DETR and the transformers that follow it."""

from __future__ import annotations

from dataclasses import dataclass

from model_adapters.common.output_shapes import Outputs
from model_adapters.onnx.detection.facts import Facts
from model_adapters.onnx.detection.guess import Guess
from model_adapters.onnx.detection.parts import parts_of_separate
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.detection.values import in_unit, share_won_by, unit_of

IMAGENET = {"mean": "0.485, 0.456, 0.406", "std": "0.229, 0.224, 0.225"}
MOSTLY = 0.5  # of the queries
WITH_ALL_NUMBERS, WITHOUT_GAPS = 91, 80  # classes of COCO
DETR = "Its outputs are read as in DETR: a softmax whose last class means that there is no object."
FOCAL = "Its outputs are read as in RT-DETR and Deformable DETR: a sigmoid for each class."
NORMALISED = " Pictures are assumed to be normalised with ImageNet's mean and standard deviation."
PLAIN = " Pixel values are assumed to lie in 0..1."
TWO_WAYS = (
    "{name} holds {columns} logits per box: either as in DETR (a softmax whose last class means that there is no "
    "object) or as in RT-DETR (a sigmoid for each class). Say which."
)


@dataclass(frozen=True)
class Way:
    """One of the two ways to read logits."""

    softmax: bool

    @property
    def fields(self) -> dict[str, object]:
        """What a reading says of it."""
        return {"activation": "softmax" if self.softmax else "sigmoid", "no_object": self.softmax}


def detr(outputs: Outputs, facts: Facts) -> Guess | None:
    """Return how to read logits (N, Q, K) and boxes (N, Q, 4), centre and size in shares; None if there are none.

    With class names, their number says whether one more class means "no object"; otherwise the numbers of COCO's
    classes do, if the answers for most queries agree.
    Sources: transformers, image_processing_detr, image_processing_rt_detr and image_processing_deformable_detr.
    """
    names = parts_of_separate(outputs)
    if names is None:
        return None
    boxes, logits = (outputs[name] for name in names)
    if in_unit(logits) or not in_unit(boxes) or unit_of(boxes) == "pixels":
        return None
    columns, empty = logits.shape[-1], share_won_by(logits, -1) > MOSTLY
    if facts.classes in (columns, columns - 1):
        return _certain(Way(facts.classes == columns - 1), columns)
    common = {WITH_ALL_NUMBERS + 1: True, WITHOUT_GAPS: False, WITH_ALL_NUMBERS: False}
    if common.get(columns) is empty:
        return _certain(Way(empty), columns)
    question = TWO_WAYS.format(name=names[1][:40], columns=columns)
    return Guess(_reading(Way(empty), columns), question, Way(not empty).fields)


def _certain(way: Way, columns: int) -> Guess:
    reading = _reading(way, columns)
    return Guess(reading, note=(DETR if way.softmax else FOCAL) + (PLAIN if reading.mean == "0" else NORMALISED))


def _reading(way: Way, columns: int) -> Reading:
    normalised = IMAGENET if way.softmax or columns == WITH_ALL_NUMBERS else {}
    return Reading(
        form="boxes and class scores",
        box_layout="centre and size",
        box_unit="shares of the side",
        overlap=1.0,
        activation="softmax" if way.softmax else "sigmoid",
        no_object=way.softmax,
        **normalised,  # type: ignore[arg-type]
    )
