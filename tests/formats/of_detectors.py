"""Detectors, as graphs that answer given boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

from tests.formats.asking import number_of_boxes
from tests.formats.format import Format, Section, Write
from tests.hub_models import finder, packed
from tests.onnx_detectors import CELLS, graph, with_target_sizes, yolo

NAMES = {0: "hen", 1: "cow"}
ONE = "1 boxes"


def answering(outputs: dict[str, Any], **settings: Any) -> Write:
    """Return what writes a graph that answers these arrays."""

    def write(folder: Path) -> Path:
        (folder / "detector.onnx").write_bytes(graph(outputs, **settings).SerializeToString())
        return folder / "detector.onnx"

    return write


def state_dict(folder: Path) -> Path:
    torch.manual_seed(0)
    torch.save(ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None).state_dict(), folder / "ssd.pth")
    return folder / "ssd.pth"


def sized(folder: Path) -> Path:
    (folder / "sized.onnx").write_bytes(with_target_sizes().SerializeToString())
    return folder / "sized.onnx"


def hub(name: str) -> Write:
    """Return what writes the folder of a detector of transformers as a zip."""
    return lambda place: Path(packed(finder(name), place).path)


PLAIN = yolo(6, CELLS, [32, 16, 8, 4, 0.1, 0.8])
WITH_OBJECTNESS = yolo(7, CELLS, [32, 16, 8, 4, 0.5, 0.1, 0.8])
UNCLEAR = yolo(85, 4 * CELLS, [32, 16, 8, 4, 0.5, *[0] * 12, 0.8, *[0] * 67])

OFFSETS = yolo(7, CELLS, [0.5, 0.25, 0, -1, 0.5, 0.1, 0.8])
FINAL = np.array([[[28, 14, 36, 18, 0.75, 1], [0, 0, 4, 4, 0.1, 0]]], np.float32)
QUERIES = {
    "logits": np.array([[[-4, 2], *[[-4, -4]] * 9]], np.float32),
    "pred_boxes": np.tile(np.float32([0.5, 0.25, 0.125, 0.0625]), (1, 10, 1)),
}

DETECTORS = Section(
    "Object detectors",
    number_of_boxes,
    (
        Format("State dict of a detector of torchvision", state_dict),
        Format(
            "ONNX of YOLOv8 and later: columns of box and classes",
            answering({"output0": np.ascontiguousarray(PLAIN.transpose(0, 2, 1))}, names=NAMES),
            answer=ONE,
        ),
        Format(
            "ONNX of YOLOv5: rows of box, objectness and classes",
            answering({"output": WITH_OBJECTNESS}, names=NAMES),
            answer=ONE,
        ),
        Format("Folder or zip of transformers: DETR", hub("DetrForObjectDetection")),
        Format("The same for YOLOS", hub("YolosForObjectDetection")),
        Format(
            "YOLO rows with or without objectness",
            answering({"rows": UNCLEAR}, shape=(1, 3, 128, 128)),
            "asks",
            "the objectness and 80 classes, or 81 classes",
            "Choose how the rows are read; each choice is shown with its boxes.",
            options={"reading": {"objectness": True, "colours": "BGR", "scale": "0..255"}},
        ),
        Format("ONNX of YOLOX, decoded or not", answering({"output": OFFSETS}, names=NAMES), answer=ONE),
        Format("ONNX of RT-DETR and D-FINE that also takes `orig_target_sizes`", sized, answer=ONE),
        Format("ONNX of RT-DETR and DETR: logits and boxes", answering(QUERIES, names=NAMES), answer=ONE),
        Format(
            "ONNX with final boxes (1, n, 6), overlaps removed", answering({"output0": FINAL}, names=NAMES), answer=ONE
        ),
    ),
)
