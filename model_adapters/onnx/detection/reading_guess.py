"""Recognise a detector's outputs from their names, types, shapes and values, without a framework."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_adapters.common.output_shapes import Outputs
from model_adapters.onnx.detection.outputs import (
    in_rows,
    is_numbers,
    part_of_grid,
    part_of_yolo,
    parts_of_listed,
    parts_of_separate,
)
from model_adapters.onnx.detection.readings import Reading
from xai_core.params import Size

NEAR_ONE = 1e-3
LARGEST_SHARE = 2.0  # boxes in shares reach a little beyond the picture; in pixels they reach far
STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))  # of the grids of YOLO's heads, in pixels
ANCHORS = 3  # boxes per cell in YOLO versions 3 to 7


def recognised(outputs: Outputs, input_name: str, size: Size) -> Reading | None:
    """Return how to read the outputs for a natural-looking picture, or None if unknown.

    input_name: of the graph's input. size: its height and width, in pixels.
    """
    plain = {name: value for name, value in outputs.items() if is_numbers(value)}
    return (
        _tensorflow(plain)
        or _torchvision(plain)
        or _ssd(plain, input_name)
        or _fastest_det(plain)
        or _yolo(plain, size)
    )


def _tensorflow(outputs: Outputs) -> Reading | None:
    """The TensorFlow Object Detection API, through tf2onnx: top first, in shares, classes from 1, pixels 0..255.

    Source: docs.openvino.ai, ssdlite_mobilenet_v2, original model.
    """
    if not {"detection_boxes", "detection_classes", "detection_scores"} <= set(outputs):
        return None
    return Reading(
        form="boxes, labels, scores",
        box_layout="corners, top first",
        box_unit="shares of the side",
        background=True,
        scale="0..255",
    )


def _torchvision(outputs: Outputs) -> Reading | None:
    """Exports of torchvision.models.detection: boxes (n, 4) in pixels, int64 labels from 1, scores; RGB in 0..1.

    Source: docs of torchvision.models.detection. Resizing and normalising are part of the graph.
    """
    names = parts_of_listed(outputs)
    if names is None or outputs[names[0]].ndim != 2 or outputs[names[1]].dtype != np.int64:
        return None
    return Reading(form="boxes, labels, scores", box_layout="corners", background=True)


def _ssd(outputs: Outputs, input_name: str) -> Reading | None:
    """Boxes and class scores of every anchor: background first if scores add up to 1, otherwise no background.

    Graphs whose input and outputs are called input, scores and boxes are exports of Linzaer's
    Ultra-Light-Fast-Generic-Face-Detector-1MB and its kin: (value - 127) / 128, overlap of 0.5.
    Source: convert_to_onnx.py and detect_imgs_onnx.py there.
    """
    names = parts_of_separate(outputs)
    if names is None:
        return None
    boxes, scores = (outputs[name].reshape(-1, outputs[name].shape[-1]) for name in names)
    layout = _layout(boxes)
    if layout is None or not _in_unit(scores):
        return None
    preset: dict[str, Any] = {"scale": "0..255", "mean": "127", "std": "128", "overlap": 0.5}
    return Reading(
        form="boxes and class scores",
        box_layout=layout,
        box_unit=_unit(boxes),
        background=scores.shape[-1] > 1 and _add_up(scores),
        **(preset if {input_name, *names} == {"input", "scores", "boxes"} else {}),
    )


def _fastest_det(outputs: Outputs) -> Reading | None:
    """A grid of objectness in 0..1, four free numbers, and classes that add up to 1; BGR in 0..1, resized by areas.

    Source: github.com/dog-qiuqiu/FastestDet, utils/tool.py and example/onnx-runtime/runtime.py.
    """
    name = part_of_grid(outputs)
    if name is None or len(outputs) != 1:
        return None
    maps = outputs[name]
    classes = maps[:, 5:].transpose(0, 2, 3, 1)
    free = maps[:, 1:5]
    if not _in_unit(maps[:, 0]) or not _in_unit(classes) or not _add_up(classes) or _in_unit(free):
        return None
    return Reading(form="grid", colours="BGR", resizing="area")


def _yolo(outputs: Outputs, size: Size) -> Reading | None:
    """YOLO's rows, recognised by their number: three per cell with objectness, or one per cell without, transposed.

    Of 640 x 640 pixels that is (1, 25200, 85) in version 5 and (1, 84, 8400) in version 8; both take RGB in 0..1 and
    give centre and size. Sources: github.com/ultralytics/yolov5, issue 7144; github.com/ultralytics/ultralytics,
    issue 751.
    """
    name = part_of_yolo(outputs)
    if name is None:
        return None
    cells = {sum((size[0] // stride) * (size[1] // stride) for stride in strides) for strides in STRIDES}
    values, upright = in_rows(outputs[name]), outputs[name].shape[1] >= outputs[name].shape[2]
    objectness = upright and values.shape[1] in {ANCHORS * count for count in cells}
    if not objectness and (upright or values.shape[1] not in cells):
        return None
    boxes, scores = values[..., :4], values[..., 4:]
    if scores.shape[-1] <= objectness or not _in_unit(scores) or (boxes[..., 2:] < 0).any():
        return None
    return Reading(form="yolo rows", box_layout="centre and size", box_unit=_unit(boxes), objectness=objectness)


def _layout(boxes: Any) -> Any:
    """Return how boxes (n, 4) are laid out; None if they cannot be boxes."""
    if (boxes[:, 2:] > boxes[:, :2]).all():
        return "corners"
    return "centre and size" if (boxes[:, 2:] >= 0).all() else None


def _unit(boxes: Any) -> Any:
    return "pixels" if np.abs(boxes).max(initial=0) > LARGEST_SHARE else "shares of the side"


def _in_unit(scores: Any) -> bool:
    return bool((scores >= -NEAR_ONE).all() and (scores <= 1 + NEAR_ONE).all())


def _add_up(scores: Any) -> bool:
    return bool(np.allclose(scores.sum(axis=-1), 1, atol=NEAR_ONE))
