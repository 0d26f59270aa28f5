"""Networks that label every pixel, and segment by colour."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from tests.formats.asking import largest_segment
from tests.formats.format import Format, Section, Write
from tests.hub_models import packed, segmenter
from tests.segmenters import ByColour

LOOK = {"preprocessing": {"height": 64, "width": 64, "mean": [0, 0, 0], "std": [1, 1, 1]}}


class ArgMax(torch.nn.Module):
    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.argmax(1)


def traced(end: torch.nn.Module | None = None) -> Write:
    """Return what writes the network as TorchScript, with an end behind its maps."""

    def write(folder: Path) -> Path:
        with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated, and what many people have
            torch.jit.trace(ByColour(end).eval(), torch.rand(1, 3, 64, 64)).save(folder / "maps.pt")
        return folder / "maps.pt"

    return write


def exported(folder: Path) -> Path:
    options = {"input_names": ["pictures"], "output_names": ["maps"], "dynamo": False}
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(ByColour().eval(), (torch.rand(1, 3, 64, 64),), str(folder / "maps.onnx"), **options)  # type: ignore[arg-type]
    return folder / "maps.onnx"


def hub(name: str) -> Write:
    """Return what writes the folder of a network of transformers as a zip."""
    return lambda place: Path(packed(segmenter(name), place).path)


def oneformer(place: Path) -> Path:
    config = {"architectures": ["OneFormerForUniversalSegmentation"], "model_type": "oneformer"}
    return Path(packed(segmenter("SegformerForSemanticSegmentation"), place, config__json=config).path)


SEGMENTATION = Section(
    "Segmentation",
    largest_segment,
    (
        Format("TorchScript with one score map per class", traced(), answer="class 0", options=LOOK),
        Format("ONNX with one score map per class", exported, answer="class 0", options=LOOK),
        Format("Folder or zip of transformers: SegFormer", hub("SegformerForSemanticSegmentation")),
        Format("The same for Mask2Former, whose queries are added up", hub("Mask2FormerForUniversalSegmentation")),
        Format(
            "OneFormer",
            oneformer,
            "refused",
            "OneFormer needs a task in words besides the picture",
            "Use SegFormer, Mask2Former, MaskFormer, UPerNet, DPT or BEiT.",
        ),
        Format(
            "Class numbers instead of scores (argmax)",
            traced(ArgMax()),
            "refused",
            "This model returns the class of every pixel but no scores",
            "Export it without the argmax, so that it returns the scores.",
        ),
    ),
)
