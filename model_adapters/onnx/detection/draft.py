"""What is known of a detector's twin before it is made: its levels, from the graph alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import onnx
import onnxslim

from model_adapters.common.output_shapes import Outputs
from model_adapters.onnx.conversion import complete_copy
from model_adapters.onnx.detection.levels import Shapes, levels_of, outline
from model_adapters.onnx.detection.outputs import Rows, names_read
from model_adapters.onnx.detection.parts import is_numbers
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.files import OnnxFile
from model_adapters.onnx.session import Wiring
from xai_core.errors import UnsupportedModel, is_of_memory
from xai_core.params import Size
from xai_core.types import Floats, Layer

if TYPE_CHECKING:
    from model_adapters.onnx.detection.ablation import CutGraph
    from model_adapters.onnx.detection.twin import DetectorTwin

ADVICE = "Choose D-RISE or occlusion, which need boxes only."
ANY_SIZE = f"This ONNX detector takes pictures of any size, so its layers have no fixed grid. {ADVICE}"
NO_LEVELS = f"No layer of this ONNX detector lies on a grid over the picture and leads to its boxes. {ADVICE}"
NOT_CONVERTED = f"Gradients are not available for this ONNX detector. {ADVICE}"
NOT_CUT = f"The channels of this ONNX detector cannot be switched off one by one. {ADVICE}"
OWN_DOMAINS = ("", "ai.onnx")
WITHOUT_GRADIENT = frozenset({
    "QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul",
    "If", "Loop", "Scan",
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class TwinDraft:
    """A detector's graph and the levels of its pyramid, finest first.

    names: of the outputs that the reading uses. slimmed: whether the levels are values of the slimmed graph only.
    size: height and width of the input. inputs (1, H, W, C): an input in which the twin must find the boxes `expected`.
    """

    file: OnnxFile
    wiring: Wiring
    reading: Reading
    names: tuple[str, ...]
    levels: Shapes
    slimmed: bool
    size: Size
    inputs: Floats
    expected: Rows

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The levels, named by their grids."""
        return tuple(Layer(f"{shape[2]}x{shape[3]}", shape[2], shape[3], shape[1]) for shape in self.levels.values())

    @property
    def twin(self) -> DetectorTwin:
        """The twin, made when it is first needed. Raises UnsupportedModel if the graph cannot be converted."""
        if isinstance(self._outcome, str):
            raise UnsupportedModel(self._outcome)
        return self._outcome

    @cached_property
    def cut(self) -> CutGraph:
        """The graph cut at its levels, made when it is first needed. Raises UnsupportedModel if it cannot be cut."""
        from model_adapters.onnx.detection.ablation import CutGraph  # it needs this class

        try:
            return CutGraph.of(self)
        except Exception as error:  # ONNX raises whatever an unusual graph makes it raise
            if is_of_memory(error):
                raise
            raise UnsupportedModel(NOT_CUT) from error

    @cached_property
    def _outcome(self) -> DetectorTwin | str:
        from model_adapters.onnx.detection.twin import twin_or_reason  # it imports PyTorch and the converters

        return twin_or_reason(self)


def draft_or_reason(
    file: OnnxFile, wiring: Wiring, reading: Reading, inputs: Floats, outputs: Outputs, boxes: Rows
) -> TwinDraft | str:
    """Return what is known of a twin, or a sentence that says why there is none.

    For the first of `inputs` (N, H, W, C) the graph gives `outputs`, which hold `boxes`.
    """
    if None in (wiring.spec.height or reading.side or None, wiring.spec.width or reading.side or None):
        return ANY_SIZE
    if any(node.op_type in WITHOUT_GRADIENT or node.domain not in OWN_DOMAINS for node in file.model.graph.node):
        return NOT_CONVERTED
    names = names_read({name: value for name, value in outputs.items() if is_numbers(value)}, reading)
    size = (inputs.shape[1], inputs.shape[2])
    draft = TwinDraft(file, wiring, reading, names, {}, False, size, inputs[:1], boxes)
    try:
        return _with_levels(draft) or NO_LEVELS
    except Exception:  # ONNX raises whatever an unusual graph makes it raise
        return NOT_CONVERTED


def _ready(model: Any, draft: TwinDraft) -> Any:
    """Return a model with the outputs that are read and an input of fixed size; it is changed in place."""
    outputs = {output.name: output for output in model.graph.output}
    del model.graph.output[:]
    model.graph.output.extend(outputs[name] for name in draft.names)
    _fix_input(model, draft.wiring, draft.size)
    return model


def whole(draft: TwinDraft) -> Any:
    """Return a copy of the graph with its weights, ready for conversion, slimmed if its levels are found so."""
    model = _ready(complete_copy(draft.file.model, draft.file.folder), draft)
    return onnxslim.slim(model) if draft.slimmed else model


def _with_levels(draft: TwinDraft) -> TwinDraft | None:
    """Return the draft with its levels; None if there are none."""
    if levels := levels_of(_ready(outline(draft.file.model), draft), draft.wiring.input):
        return replace(draft, levels=levels)
    draft = replace(draft, slimmed=True)
    levels = levels_of(outline(whole(draft)), draft.wiring.input)
    return replace(draft, levels=levels) if levels else None


def _fix_input(model: Any, wiring: Wiring, size: Size) -> None:
    """Give the graph's input a fixed shape, in place."""
    channels, batch = wiring.spec.channels, wiring.spec.batch or 1
    shape = (batch, channels, *size) if wiring.spec.layout == "NCHW" else (batch, *size, channels)
    (tensor,) = (each for each in model.graph.input if each.name == wiring.input)
    sizes = tensor.type.tensor_type.shape
    del sizes.dim[:]
    for length in shape if wiring.batched else shape[1:]:
        sizes.dim.add(dim_value=length)


def with_outputs(model: Any, levels: Shapes) -> Any:
    """Return a model whose outputs are its levels and then those it had; it is changed in place."""
    last = list(model.graph.output)
    del model.graph.output[:]
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in levels.items()
    )
    model.graph.output.extend(last)
    return model
