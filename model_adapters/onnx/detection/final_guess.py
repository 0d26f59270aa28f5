"""Recognise final boxes, from graphs that remove overlaps themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_adapters.common.output_shapes import Outputs
from model_adapters.onnx.detection.facts import Facts
from model_adapters.onnx.detection.guess import Guess
from model_adapters.onnx.detection.parts import FINAL_COLUMNS, part_of_final, parts_of_listed
from model_adapters.onnx.detection.readings import BoxUnit, Reading
from model_adapters.onnx.detection.values import in_unit, unit_of

ORDER = (
    "Each row of {name} holds a box and two numbers, its score and its label, but the trial picture does not show "
    "their order. Say which comes first, and whether boxes are in pixels."
)
SIZED = (
    "Its outputs are read as in RT-DETR and D-FINE: final boxes, with class numbers that start at 0. Pixel values are "
    "assumed to lie in 0..1."
)
BACKGROUND = "Labels in {name} may start at 0, or at 1 with class 0 as the background. Say which."


def final_rows(outputs: Outputs, facts: Facts) -> Guess | None:
    """Return how to read rows (N, n, 6) of corners, score and label, or (n, 7) with the picture's number first.

    Exports of Ultralytics with nms=True or end2end, and of YOLOv10, give the score first; those of YOLOv7 with end2end
    give seven numbers, the label first. Sources: docs.ultralytics.com, end-to-end detection; github.com/WongKinYiu/
    yolov7, models/experimental.py.
    """
    name = part_of_final(outputs)
    if name is None:
        return None
    value = outputs[name]
    with_number = value.ndim == 2
    rows = value[:, 1:] if with_number else value.reshape(-1, value.shape[-1])
    more = rows.shape[-1] - FINAL_COLUMNS
    beyond, note = facts.beyond_scores(outputs)
    if not _are_boxes(rows[:, :4]) or (more and (with_number or more != beyond)):
        return None
    return _with_order(name, rows, with_number, facts, note if more else "")


def _with_order(name: str, rows: Any, with_number: bool, facts: Facts, note: str) -> Guess | None:
    score_first = in_unit(rows[:, 4]) and _are_labels(rows[:, 5])
    label_first = in_unit(rows[:, 5]) and _are_labels(rows[:, 4])
    empty, known = not rows.any(), with_number or bool(facts.task)
    if not (score_first or label_first):
        return None
    unit: BoxUnit = "pixels" if empty else unit_of(rows[:, :4])
    likely_label = label_first and (with_number or not score_first)
    reading = Reading(
        form="final rows",
        box_layout="corners",
        box_unit=unit,
        row_order="label, score" if likely_label else "score, label",
        classes=facts.classes,
    )
    if known or (score_first != label_first and not empty):
        return Guess(reading, note=note)
    other = "score, label" if likely_label else "label, score"
    return Guess(reading, ORDER.format(name=name[:40]), {"row_order": other, "box_unit": unit}, note)


def listed_in_batches(outputs: Outputs, facts: Facts) -> Guess | None:
    """Return how to read boxes (N, n, 4), labels and scores (N, n) that are final; None if there are none.

    Graphs that take the size of the picture count labels from 0 and expect pixels in 0..1.
    Source: github.com/lyuwenyu/RT-DETR, rtdetr_postprocessor.py and references/deploy/rtdetrv2_onnxruntime.py.
    """
    names = parts_of_listed(outputs)
    if names is None or outputs[names[0]].ndim != 3:
        return None
    boxes, labels, scores = (outputs[name] for name in names)
    if not in_unit(scores) or not _are_boxes(boxes.reshape(-1, 4)) or not _are_labels(labels):
        return None
    reading = Reading(
        form="boxes, labels, scores", box_layout="corners", box_unit=unit_of(boxes), classes=facts.classes
    )
    if facts.fixed_sizes:
        return Guess(reading, note=SIZED)
    if labels[scores > 0].min(initial=1) == 0 or "num_dets" in outputs:
        return Guess(reading)
    return Guess(reading, BACKGROUND.format(name=names[1][:40]), {"background": True})


def _are_boxes(corners: Any) -> bool:
    return bool((corners[:, 2:4] >= corners[:, :2]).all())


def _are_labels(values: Any) -> bool:
    return bool((values >= 0).all() and (np.rint(values) == values).all())
