"""The graph of an ONNX detector in PyTorch: its feature pyramid and the gradients of its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from model_adapters.onnx.conversion import modules
from model_adapters.onnx.detection.draft import ADVICE, NOT_CONVERTED, TwinDraft, whole, with_outputs
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.detection.torch_rows import TensorRows, tensor_rows
from model_adapters.onnx.session import Wiring, as_numbers
from model_adapters.pytorch.detection.target_row import nearest_row, place
from xai_core.detector import Aspect, BoxTarget
from xai_core.params import Size
from xai_core.types import Floats, Layer

TOLERANCE = 1e-3  # of scores, and of corners in shares of the picture's sides
DIFFERS = f"The differentiable copy of this ONNX detector finds different boxes from the file itself. {ADVICE}"
LOST = "The detector's differentiable copy does not find this box. Choose a different box, or D-RISE."
NEARLY = 1e-6  # keeps logits finite


@dataclass(frozen=True, eq=False)
class DetectorTwin:
    """The same graph in PyTorch. layers: its levels, finest first. size: height and width of its input.

    module: gives the levels and then the outputs called `names`.
    """

    module: Any
    layers: tuple[Layer, ...]
    names: tuple[str, ...]
    reading: Reading
    wiring: Wiring
    size: Size
    device: torch.device

    def maps(self, inputs: Floats, levels: Sequence[str]) -> list[Floats]:
        """Return the feature maps (h, w, K) of one input (1, H, W, C) at these levels."""
        with torch.no_grad():
            values, _ = self._passed(self._tensor(inputs))
        return [_on_grid(values[name]) for name in levels]

    def rows_of(self, inputs: Floats) -> TensorRows:
        """Return the boxes in one input, without gradients."""
        with torch.no_grad():
            return self._passed(self._tensor(inputs))[1]

    def gradients(
        self, inputs: Floats, target: BoxTarget, image_size: Size, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        """Return an aspect of the box nearest to the target, and its gradient (h, w, K) at these levels.

        target: in pixels of an image of `image_size`, as are edges, widths and heights.
        """
        with torch.enable_grad():
            values, found = self._passed(self._tensor(inputs).requires_grad_())
            value = _aspect(found, target, image_size, aspect)
            leaves = [values[name] for name in levels]
            slopes = torch.autograd.grad(value, leaves, allow_unused=True)
        pairs = zip(leaves, slopes, strict=True)
        return float(value.detach()), [_on_grid(torch.zeros_like(leaf) if g is None else g) for leaf, g in pairs]

    def _passed(self, tensor: Any) -> tuple[dict[str, Any], TensorRows]:
        answers = self.module(tensor)
        answers = list(answers) if isinstance(answers, list | tuple) else [answers]
        count = len(self.layers)
        levels = {layer.name: value for layer, value in zip(self.layers, answers[:count], strict=True)}
        outputs = dict(zip(self.names, answers[count:], strict=True))
        return levels, tensor_rows(outputs, self.names, self.reading, self.size)

    def _tensor(self, inputs: Floats) -> Any:
        """Return one input as the graph takes it, repeated to the number of pictures that it takes."""
        values = as_numbers(inputs, self.wiring)
        planes = values.transpose(0, 3, 1, 2) if self.wiring.spec.layout == "NCHW" else values
        tensor = torch.from_numpy(np.ascontiguousarray(planes, np.float32)).to(self.device)
        tensor = tensor.repeat(self.wiring.spec.batch or 1, 1, 1, 1)
        return tensor if self.wiring.batched else tensor[0]


def twin_or_reason(draft: TwinDraft) -> DetectorTwin | str:
    """Return the graph in PyTorch, which finds the boxes that the draft expects, or why it cannot be had."""
    reason = NOT_CONVERTED
    try:
        for module in modules(with_outputs(whole(draft), draft.levels)):
            twin = _twin(module, draft)
            if _agrees(twin, draft.inputs, draft.expected.corners, draft.expected.class_scores):
                return twin
            reason = DIFFERS
    except Exception:  # a converter or a converted module raises whatever an operator makes it raise
        return reason
    return reason


def _twin(module: Any, draft: TwinDraft) -> DetectorTwin:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    module = module.float().to(device)
    return DetectorTwin(module, draft.layers, draft.names, draft.reading, draft.wiring, draft.size, device)


def _agrees(twin: DetectorTwin, inputs: Floats, corners: Floats, class_scores: Floats) -> bool:
    """Whether a twin finds these boxes, and has a gradient for them."""
    found = twin.rows_of(inputs)
    pairs = ((found.corners, corners), (found.class_scores, class_scores))
    return all(ours.shape == theirs.shape and _near(ours, theirs) for ours, theirs in pairs)


def _near(ours: Any, theirs: Floats) -> bool:
    return bool(np.abs(ours.cpu().numpy() - theirs).max(initial=0) <= TOLERANCE * max(1, np.abs(theirs).max(initial=0)))


def _on_grid(tensor: Any) -> Floats:
    return np.ascontiguousarray(tensor[0].detach().permute(1, 2, 0).cpu().numpy(), np.float32)


def _aspect(found: TensorRows, target: BoxTarget, image_size: Size, aspect: Aspect) -> Any:
    height, width = image_size
    sides = torch.tensor([width, height, width, height], device=found.corners.device)
    chances, corners = found.chance(target.label), found.corners * sides
    row = nearest_row(corners.detach(), chances.detach(), target, LOST)
    return torch.logit(chances[row], NEARLY) if aspect in ("score", "class") else place(corners[row], target, aspect)
