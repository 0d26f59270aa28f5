"""Detectors that bring their own code: TorchScript, and modules from trusted pickles that are not torchvision's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from model_adapters.common.output_shapes import CLASSIFIER
from model_adapters.common.probes import natural
from model_adapters.pytorch.answers import FILES, uses_files
from model_adapters.pytorch.detection.errors import errors_in_words
from model_adapters.pytorch.detection.image_pass import numbers_of, resized
from xai_core.detector import Detections, Detector
from xai_core.errors import ModelError, RefusedModel, TryAsClassifier, UnsupportedModel
from xai_core.params import Size
from xai_core.types import Card, Floats, InputSpec

FREE = ((224, 288), (320, 256))  # pixels; a detector that takes both takes any size
SIDES = (640, 320, 416, 512, 300, 256, 224, 384, 352, 448, 608, 800, 1024)
THRESHOLD = "score_thresh"  # as torchvision calls it
BOXES, LABELS, SCORES = "boxes", "labels", "scores"

Parts = Mapping[str, Any]  # boxes (n, 4), labels (n,) and scores (n,) of one picture
Form = Callable[[Any], Any]  # from pictures (1, 3, h, w) to the module's input


def as_list(pictures: Any) -> Any:
    """Return a batch as a list of pictures, as torchvision's detectors take it."""
    return list(pictures)


def as_batch(pictures: Any) -> Any:
    """Return a batch as it is."""
    return pictures


def as_single(pictures: Any) -> Any:
    """Return the only picture of a batch."""
    return pictures[0]


@dataclass(frozen=True)
class Manner:
    """How to call a module. size: height and width in pixels that it takes, None for any."""

    form: Form
    size: Size | None


class SealedDetector(Detector):
    """A module that gives boxes, labels and scores, with inaccessible layers. It runs on the CPU.

    background: whether label 0 is the background.
    """

    def __init__(self, module: Any, card: Card, manner: Manner, background: bool) -> None:
        self.card = card
        self._module, self._manner, self._background = module, manner, background

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        with _least_score(self._module, floor):
            return [self._found(image, floor) for image in images]

    def _found(self, image: Floats, floor: float) -> Detections:
        size: Size = (image.shape[0], image.shape[1])
        with errors_in_words(image[None]):
            parts = _answer(self._module, self._manner.form, _planes(image, self._manner.size))
        corners, scores = resized(parts[BOXES].float(), self._manner.size or size, size), parts[SCORES].float()
        labels = parts[LABELS].round().long() - int(self._background)
        kept = (scores >= floor) & (labels >= 0)
        if kept.any() and labels[kept].max() >= self.card.classes:
            raise ModelError(
                f"The detector found class {int(labels[kept].max())} of {self.card.classes}, counted from 0. "
                "Set how many classes it has."
            )
        boxes = (numbers_of(corners[kept]), labels[kept].cpu().numpy(), numbers_of(scores[kept]))
        return Detections.of(*boxes, classes=self.card.classes)


def find_manner(module: Any) -> Manner:
    """Find out how to call a module; UnsupportedModel if no way gives boxes."""
    failure: UnsupportedModel | None = None
    for form in _forms(module):
        try:
            if all(_takes(module, form, size) for size in FREE):
                return Manner(form, None)
            if side := next((side for side in SIDES if _takes(module, form, (side, side))), None):
                return Manner(form, (side, side))
        except UnsupportedModel as error:
            failure = failure or error
    raise failure or UnsupportedModel(
        f"The model took no picture of {min(SIDES)} to {max(SIDES)} pixels, neither in a list nor in a batch. "
        "Export it as ONNX to keep its input size."
    )


def _forms(module: Any) -> tuple[Form, ...]:
    schema = getattr(getattr(module, "forward", None), "schema", None)
    if schema is None:
        return as_list, as_batch, as_single
    wanted = [str(argument.type) for argument in schema.arguments[1:]]
    return (as_list,) if wanted and "List[Tensor]" in wanted[0] else (as_batch, as_single)


def _takes(module: Any, form: Form, size: Size) -> bool:
    (image,) = natural(InputSpec(*size), count=1)
    try:
        _answer(module, form, _planes(image, None))
    except (RefusedModel, UnsupportedModel):
        raise
    except Exception as error:  # the module's own code may raise anything on a wrong size
        if uses_files(error):
            raise RefusedModel(FILES) from None
        return False
    return True


def _answer(module: Any, form: Form, pictures: Any) -> Parts:
    """Return what a module finds in one picture, ignoring warnings from its own code."""
    with torch.no_grad(), torch.jit.optimized_execution(False), warnings.catch_warnings(action="ignore"):
        return parts_of(module(form(pictures)))


def parts_of(output: Any) -> Parts:
    """Return boxes, labels and scores from a module's output for one picture; UnsupportedModel if they are missing.

    Forms: a dict; a list of dicts, also after a dict of losses; or three tensors; with or without a batch of one.
    """
    plain = output
    while isinstance(plain, list | tuple) and plain and isinstance(plain[-1], list | tuple | Mapping):
        plain = plain[-1]
    parts = _of_names(plain) if isinstance(plain, Mapping) else _of_shapes(plain)
    if parts is None:
        raise _misfit(plain)
    return parts


def _of_names(output: Mapping[str, Any]) -> Parts | None:
    if not {BOXES, LABELS, SCORES} <= set(output):
        return None
    return _parts(output[BOXES], output[LABELS], output[SCORES])


def _of_shapes(output: Any) -> Parts | None:
    tensors = (
        [tensor for tensor in output if isinstance(tensor, torch.Tensor)] if isinstance(output, list | tuple) else []
    )
    boxes = next((tensor for tensor in tensors if tensor.dim() in (2, 3) and tensor.shape[-1] == 4), None)
    if boxes is None:
        return None
    count = boxes.numel() // 4
    rest = [tensor for tensor in tensors if tensor is not boxes and tensor.numel() == count]
    labels = next((tensor for tensor in rest if not tensor.is_floating_point()), None)
    if labels is None:
        labels = next((tensor for tensor in rest if bool((tensor == tensor.round()).all())), None)
    scores = next((tensor for tensor in rest if tensor is not labels and tensor.is_floating_point()), None)
    return None if labels is None or scores is None else _parts(boxes, labels, scores)


def _parts(boxes: Any, labels: Any, scores: Any) -> Parts:
    return {BOXES: boxes.reshape(-1, 4), LABELS: labels.reshape(-1), SCORES: scores.reshape(-1)}


def _misfit(output: Any) -> UnsupportedModel:
    tensors = output if isinstance(output, list | tuple) else [output]
    shapes = ["x".join(map(str, tensor.shape)) for tensor in tensors if isinstance(tensor, torch.Tensor)]
    if len(shapes) == 1 and output is not tensors and tensors[0].dim() == 2:
        return TryAsClassifier(CLASSIFIER)
    shown = ", ".join(shapes[:4]) or type(output).__name__[:40]
    return UnsupportedModel(
        f"A detector gives boxes, labels and scores; this model gave {shown}. "
        "Export it as ONNX, where it can be said how outputs are read."
    )


@contextmanager
def _least_score(module: Any, floor: float) -> Iterator[None]:
    """Lower torchvision's threshold, if the module has it, to a score of `floor`, and restore it afterwards."""
    owner = getattr(module, "roi_heads", module)
    usual = getattr(owner, THRESHOLD, None)
    if not isinstance(usual, float):
        yield
        return
    setattr(owner, THRESHOLD, float(floor))
    try:
        yield
    finally:
        setattr(owner, THRESHOLD, usual)


def _planes(image: Floats, size: Size | None) -> Any:
    """Return an image (H, W, 3) as pictures (1, 3, h, w), stretched to `size` if one is given."""
    planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].contiguous()
    if size is None or size == image.shape[:2]:
        return planes
    return torch.nn.functional.interpolate(planes, size, mode="bilinear", align_corners=False, antialias=True)
