"""Recognise a detector's outputs from their names, types, shapes and values."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_adapters.common.output_shapes import Outputs
from model_adapters.onnx.detection.detr_guess import detr
from model_adapters.onnx.detection.facts import Facts
from model_adapters.onnx.detection.final_guess import final_rows, listed_in_batches
from model_adapters.onnx.detection.guess import Guess
from model_adapters.onnx.detection.parts import is_numbers, part_of_grid, parts_of_listed, parts_of_separate
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.detection.values import add_up, in_unit, layout_of, share_won_by, unit_of
from model_adapters.onnx.detection.yolo_guess import yolo
from xai_core.params import Size

WHICH_BACKGROUND = (
    "The scores of each box in {name} add up to 1, so one class means that there is no object: the first, as in "
    "SSD, or the last, as in DETR. Say which."
)


def recognised(outputs: Outputs, input_name: str, size: Size, facts: Facts) -> Guess | None:
    """Return how to read the outputs for a natural-looking picture, or None if unknown.

    input_name: of the graph's input. size: its height and width, in pixels.
    """
    plain = {name: value for name, value in outputs.items() if is_numbers(value)}
    reading = _tensorflow(plain) or _torchvision(plain) or _fastest_det(plain)
    if reading is not None:
        return Guess(reading)
    return (
        _separate(plain, input_name)
        or detr(plain, facts)
        or listed_in_batches(plain, facts)
        or final_rows(plain, facts)
        or yolo(plain, size, facts)
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


def _separate(outputs: Outputs, input_name: str) -> Guess | None:
    """Boxes and class scores of every anchor: a background if scores add up to 1, otherwise none.

    Graphs whose input and outputs are called input, scores and boxes are exports of Linzaer's
    Ultra-Light-Fast-Generic-Face-Detector-1MB and its kin: (value - 127) / 128, overlap of 0.5.
    Source: convert_to_onnx.py and detect_imgs_onnx.py there.
    """
    names = parts_of_separate(outputs)
    if names is None:
        return None
    boxes, scores = (outputs[name].reshape(-1, outputs[name].shape[-1]) for name in names)
    layout = layout_of(boxes)
    if layout is None or not in_unit(scores):
        return None
    preset: dict[str, Any] = {"scale": "0..255", "mean": "127", "std": "128", "overlap": 0.5}
    linzaer = {input_name, *names} == {"input", "scores", "boxes"}
    background = scores.shape[-1] > 1 and add_up(scores)
    first, last = share_won_by(scores, 0), share_won_by(scores, -1)
    reading = Reading(
        form="boxes and class scores",
        box_layout=layout,
        box_unit=unit_of(boxes),
        background=background and (linzaer or first >= last),
        no_object=background and not linzaer and last > first,
        **(preset if linzaer else {}),
    )
    if linzaer or not background or first != last:
        return Guess(reading)
    return Guess(reading, WHICH_BACKGROUND.format(name=names[1][:40]), {"background": False, "no_object": True})


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
    if not in_unit(maps[:, 0]) or not in_unit(classes) or not add_up(classes) or in_unit(free):
        return None
    return Reading(form="grid", colours="BGR", resizing="area")
