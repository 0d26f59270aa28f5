"""Recognise the rows of YOLO's heads from the file's metadata, their number and their values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model_adapters.common.output_shapes import Outputs
from model_adapters.onnx.detection.cells import cell_counts
from model_adapters.onnx.detection.facts import Facts
from model_adapters.onnx.detection.guess import Guess
from model_adapters.onnx.detection.parts import LEAST_COLUMNS, in_rows, part_of_yolo
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.detection.values import in_unit, unit_of
from model_adapters.onnx.detection.yolox_guess import PIXELS, PLAIN, yolox
from xai_core.params import Size

ANCHORS = 3  # boxes per cell in YOLO versions 3 to 7
COCO = 80
MOST_QUERIES = 1000  # of a transformer whose rows look like YOLO's
TWO_WAYS = (
    "Each row of {name} holds a box and {rest} numbers: the objectness and {fewer} classes, or {rest} classes. "
    "Say which.{of_yolox}"
)
OF_YOLOX = " With an objectness it is probably YOLOX, which takes pixel values of 0..255 in the order blue, green, red."
NO_MATCH = (
    "The file names {names} classes, but each row of {name} holds {rest} numbers after the box. Say what they are."
)
RAW = (
    "The scores in {name} lie between {low:.3g} and {high:.3g}, as if a sigmoid were missing. Say whether to apply one."
)
NOT_DECODED = (
    "Boxes in {name} have negative widths or heights, so they are offsets within grid cells. Export the model with its "
    "boxes decoded, or say how to read them."
)


def yolo(outputs: Outputs, size: Size, facts: Facts) -> Guess | None:
    """Return how to read rows of YOLO, None if there are none.

    With class names, their number says whether there is an objectness. Otherwise the number of rows does: three per
    cell with objectness, or one per cell without, transposed. Of 640 x 640 pixels that is (1, 25200, 85) in version 5
    and (1, 84, 8400) in version 8; both take RGB in 0..1 and give centre and size.
    Sources: github.com/ultralytics/yolov5, issue 7144; github.com/ultralytics/ultralytics, issue 751.
    """
    name = part_of_yolo(outputs)
    if name is None:
        return None
    if certain := yolox(outputs[name], size, facts):
        return certain
    shape = outputs[name].shape
    beyond, note = facts.beyond_scores(outputs)
    guess = _by_names(name, shape, size, facts, beyond) or _by_number(name, shape, size, facts, beyond)
    return None if guess is None else _by_values(replace(guess, note=note), name, outputs[name], size)


def _reading(objectness: bool, beyond: int, classes: int = 0) -> Reading:
    return Reading(form="yolo rows", objectness=objectness, beyond=beyond, classes=classes)


def _by_names(name: str, shape: tuple[int, ...], size: Size, facts: Facts, beyond: int) -> Guess | None:
    """Return the reading whose columns fit the number of class names."""
    if not facts.classes:
        return None
    fitting = {obj for obj in (False, True) if 4 + obj + facts.classes + beyond in shape[1:]}
    if len(fitting) == 2:  # rows and columns are as many as one or the other
        fitting = {obj for obj in fitting if max(shape[1:]) != 4 + obj + facts.classes + beyond}
    if len(fitting) == 1:
        return Guess(_reading(fitting.pop(), beyond, facts.classes))
    rest = min(shape[1:]) - 4 - beyond
    question = NO_MATCH.format(names=facts.classes, name=name[:40], rest=rest)
    anchors = shape[1] in {ANCHORS * count for count in cell_counts(size)}
    return Guess(_reading(anchors, beyond), question, {"objectness": not anchors})


def _by_number(name: str, shape: tuple[int, ...], size: Size, facts: Facts, beyond: int) -> Guess | None:
    """Return the reading that the number of rows suggests; a question if it leaves two."""
    upright, cells = shape[1] >= shape[2], cell_counts(size)
    count, columns = (shape[1], shape[2]) if upright else (shape[2], shape[1])
    rest = columns - 4 - beyond
    if upright and count in {ANCHORS * cell for cell in cells} and rest > 1:
        return Guess(_reading(True, beyond))
    if rest < 1 or (upright and count not in cells and rest != COCO + 1):
        return None
    if not upright and count in cells and rest != COCO + 1:
        return Guess(_reading(False, beyond))
    if not upright and count not in cells:
        return None
    return _either(name, rest, beyond, upright and count in cells) if rest > 1 else None


def _either(name: str, rest: int, beyond: int, of_cells: bool) -> Guess:
    """Return a question about the objectness. of_cells: whether there is a row for each cell, as in YOLOX."""
    sure = rest == COCO + 1
    pixels: dict[bool, dict[str, Any]] = {True: PIXELS if of_cells else {}, False: PLAIN if of_cells else {}}
    reading = replace(_reading(sure, beyond), **pixels[sure])
    question = TWO_WAYS.format(name=name[:40], rest=rest, fewer=rest - 1, of_yolox=OF_YOLOX if of_cells else "")
    return Guess(reading, question, {"objectness": not sure} | pixels[not sure])


def _by_values(guess: Guess, name: str, value: Any, size: Size) -> Guess | None:
    """Return the guess with the unit of its boxes and with what its values leave open; None if they are no boxes."""
    reading = guess.reading
    known = 4 + reading.objectness + reading.classes + reading.beyond if reading.classes else 0
    values = in_rows(value, known)
    boxes, scores = values[..., :4], values[..., 4 : values.shape[-1] - reading.beyond]
    if values.shape[-1] < LEAST_COLUMNS:
        return None
    reading = replace(reading, box_unit=unit_of(boxes))
    if values.shape[1] <= MOST_QUERIES and values.shape[1] not in cell_counts(size) and reading.box_unit != "pixels":
        reading = replace(reading, overlap=1.0)  # a transformer's boxes are not repeated
    guess = replace(guess, reading=reading)
    named = bool(reading.classes)
    if (boxes[..., 2:] < 0).any():
        asked = replace(guess, question=NOT_DECODED.format(name=name[:40]), decided_by={"box_layout": "corners"})
        return asked if named else None
    if in_unit(scores):
        return guess
    raw = RAW.format(name=name[:40], low=float(scores.min()), high=float(scores.max()))
    reading = replace(reading, activation="sigmoid")
    return replace(guess, reading=reading, question=raw, decided_by={"activation": "none"}) if named else None
