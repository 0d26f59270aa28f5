"""Recognise rows of a box, an objectness and class scores, one for each cell, as YOLOX and YOLOv6 give them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model_adapters.onnx.detection.cells import cell_counts
from model_adapters.onnx.detection.facts import Facts
from model_adapters.onnx.detection.guess import Guess
from model_adapters.onnx.detection.parts import in_rows, is_rows
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.detection.values import in_unit, unit_of
from xai_core.params import Size

SURE = 4  # the column of the objectness
PIXELS: dict[str, Any] = {"colours": "BGR", "scale": "0..255"}  # that YOLOX takes
PLAIN: dict[str, Any] = {"colours": "RGB", "scale": "0..1"}  # that other versions take
NOTE = "Its outputs are read as in YOLOX, which takes pixel values of 0..255 in the order blue, green, red."


def yolox(value: Any, size: Size, facts: Facts) -> Guess | None:
    """Return how to read rows (N, n, 5 + K) if only one reading is possible, otherwise None.

    YOLOX exports its boxes as offsets within cells unless it is asked to decode them. YOLOv6 gives an objectness of 1.
    Sources: github.com/Megvii-BaseDetection/YOLOX, yolox/models/yolo_head.py and tools/export_onnx.py;
    github.com/meituan/YOLOv6, yolov6/models/effidehead.py.
    """
    if not is_rows(value):
        return None
    values = in_rows(value)
    count, classes = values.shape[1], values.shape[2] - SURE - 1
    if count not in cell_counts(size) or facts.classes not in (0, classes) or classes < 1:
        return None
    if not in_unit(values[..., SURE:]):
        return None
    reading = Reading(form="yolo rows", objectness=True, classes=facts.classes, box_unit=unit_of(values[..., :SURE]))
    if (values[..., SURE] == 1).all():
        return Guess(reading)
    reading = replace(reading, **PIXELS)
    if (values[..., 2:SURE] < 0).any():
        return Guess(replace(reading, box_layout="cell offsets"), note=NOTE)
    return Guess(reading, note=NOTE) if facts.classes else None
