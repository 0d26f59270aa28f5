"""Declare how the outputs of a detector's graph are read, without a framework."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from xai_core.errors import ParamError
from xai_core.params import Declared, Range, params_of
from xai_core.preprocessing import Preprocessing

Form = Literal["boxes, labels, scores", "boxes and class scores", "grid", "yolo rows", "final rows"]
BoxLayout = Literal["corners", "corners, top first", "centre and size", "cell offsets"]
BoxUnit = Literal["pixels", "shares of the side"]
Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Reading(Declared):
    """What a graph's outputs mean and what its input expects, when the file does not say.

    "grid" is the head of FastestDet: a map of objectness, box and classes, boxes by tanh and sigmoid, and
    objectness^0.6 x class^0.4 as the score. Source: github.com/dog-qiuqiu/FastestDet, utils/tool.py and example/ncnn.
    """

    id: ClassVar[str] = "reading"
    title: ClassVar[str] = "A reading of outputs"

    form: Annotated[
        Form,
        "What the outputs are: final boxes with a label and a score each, in three arrays; boxes with a score for "
        "every class; one grid of objectness, box and classes, as in FastestDet; rows (or columns) of a box and its "
        "scores, as in YOLO; or rows of a final box, its score and its label, as in exports that remove overlaps.",
    ] = "yolo rows"
    box_layout: Annotated[
        BoxLayout,
        "The four numbers of a box: left, top, right, bottom; top, left, bottom, right; centre, width and height; or, "
        "as in YOLOX, the offset of the centre from its grid cell and the logarithms of width and height, in cells.",
    ] = "centre and size"
    box_unit: Annotated[BoxUnit, "Whether boxes are in pixels of the input or lie between 0 and 1."] = "pixels"
    objectness: Annotated[bool, "For YOLO rows: whether the fifth number is the objectness."] = False
    beyond: Annotated[
        int,
        Range(0, 1000),
        "For YOLO rows: how many numbers at the end are not scores, such as mask coefficients or keypoints.",
    ] = 0
    row_order: Annotated[
        Literal["score, label", "label, score"], "For final rows: the order of the two numbers after the box."
    ] = "score, label"
    background: Annotated[bool, "Whether class 0 is the background."] = False
    no_object: Annotated[bool, "Whether the last class means that there is no object, as in DETR."] = False
    activation: Annotated[
        Literal["none", "sigmoid", "softmax"], "What maps scores to 0..1; none if the model already does."
    ] = "none"
    classes: Annotated[
        int, Range(0, 10000), "The number of classes, without the background; 0 takes it from the file or its outputs."
    ] = 0
    overlap: Annotated[
        float,
        Range(0, 1, 0.05),
        "Of two boxes of a class that overlap more than this, only the better one is kept; final boxes are unchanged.",
    ] = 0.45
    colours: Annotated[Literal["RGB", "BGR"], "The colour order that the model expects."] = "RGB"
    scale: Annotated[
        Literal["0..1", "0..255"], "The range of pixel values that the model expects, before the mean is subtracted."
    ] = "0..1"
    mean: Annotated[str, "What is subtracted from red, green and blue: one number, or three separated by commas."] = "0"
    std: Annotated[str, "What red, green and blue are then divided by: one number, or three separated by commas."] = "1"
    resizing: Annotated[
        Literal["bilinear", "area"],
        "How pictures are resized to the input size: by interpolation, or by averaging areas.",
    ] = "bilinear"
    side: Annotated[
        int,
        Range(0, 2048, 32, "px"),
        "For models that accept any size: the side of the square to resize pictures to; 0 keeps their size.",
    ] = 0

    def check(self) -> None:
        triple(self.mean, "Mean")
        if min(triple(self.std, "Std")) <= 0:
            raise ParamError(f"Std must be above 0; got {self.std!r}.")

    @classmethod
    def from_text(cls, text: str, usual: Self | None = None) -> Self:
        """Read what `to_text` wrote; raises ParamError.

        Missing fields come from the `usual` reading if it has the same form, or from the defaults.
        """
        try:
            fields: Any = json.loads(text)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise ParamError('A reading must be JSON such as {"form": "yolo rows", "objectness": true}; this is not.')
        same = usual is not None and fields.get("form", usual.form) == usual.form
        return cls.fitted(None, {**(usual.values() if usual and same else {}), **fields})

    def to_text(self) -> str:
        """Return the reading as JSON, the same text for the same reading."""
        return json.dumps(self.values(), sort_keys=True)

    @property
    def centred(self) -> bool:
        """Whether a box is, once decoded, its centre with its size."""
        return self.box_layout in ("centre and size", "cell offsets")

    @property
    def in_pixels(self) -> bool:
        """Whether a box is, once decoded, in pixels of the input."""
        return self.box_unit == "pixels" or self.box_layout == "cell offsets"

    def preprocessing(self, height: int, width: int, channels: int = 3) -> Preprocessing:
        """Return the preprocessing that turns a picture into the model's input of height x width pixels."""
        mean, std = triple(self.mean, "Mean"), triple(self.std, "Std")
        if self.colours == "BGR":
            mean, std = mean[::-1], std[::-1]
        return Preprocessing(
            height,
            width,
            fit="squash",
            channels="gray" if channels == 1 else self.colours,
            scale=255.0 if self.scale == "0..255" else 1.0,
            mean=mean,
            std=std,
        )


def triple(text: str, name: str) -> Triple:
    """Return the numbers for red, green and blue from a text such as "0.5" or "0.4, 0.5, 0.6"; or raise ParamError."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3) or not all(abs(number) < 1e6 for number in numbers):
        raise ParamError(f"{name} must be one number, or three separated by commas; got {text[:60]!r}.")
    red, green, blue = numbers * (3 // len(numbers))
    return red, green, blue


Reading.params = params_of(Reading)
