"""Open and run ONNX Runtime sessions, and find by trial what a graph's shapes leave open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnxruntime

from model_adapters.common.output_shapes import Outputs, check_no_boxes, is_score_row, not_a_classifier
from model_adapters.common.probes import AT_ONCE, COMMON_SIDES, in_batches, noise, ran_out
from model_adapters.common.segmentation import LABELS_ONLY
from model_adapters.common.threads import threads_wanted
from model_adapters.onnx.graph import DAMAGED, GraphInput, unknown_operator
from xai_core.errors import ModelError, RefusedModel, UnsupportedModel, is_of_memory
from xai_core.types import Floats, InputSpec

_UNKNOWN_OPERATOR = re.compile(
    r"No Op registered for (\w+)|error: ([\w.:]+)\(-?\d+\) is not a registered|an implementation for (\w+)\("
)
STOPPED = "The model stopped with an error at a picture of {width} x {height} pixels. Try another size."
TRIED = 2  # pictures in a trial batch if the batch size is free
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


@dataclass(frozen=True)
class Wiring:
    """Where pictures go into a graph and scores come out; `side` fills in for a free size, in pixels.

    batched: whether the input has a batch dimension; without one, `spec.batch` is 1.
    """

    input: str
    dtype: str
    spec: InputSpec
    output: str = ""
    side: int = 224
    batched: bool = True


class Scores:
    """Raw outputs (N, K) of a session for inputs (N, H, W, C).

    graph: the path or bytes it was opened from. on_gpu: whether it runs on a GPU.
    """

    def __init__(self, graph: str | bytes, wiring: Wiring, session: Any = None) -> None:
        self.graph = graph
        self.wiring = wiring
        self._session = session or open_session(graph)
        self.on_gpu = PROVIDERS[0] in self._session.get_providers()

    def __call__(self, inputs: Floats) -> Floats:
        most = None if self.on_gpu else max(1, AT_ONCE // (inputs.shape[1] * inputs.shape[2]))
        return in_batches(self._one_batch, self.wiring.spec.batch, inputs, most=most)

    def _one_batch(self, inputs: Floats) -> Floats:
        feed = {self.wiring.input: as_tensor(inputs, self.wiring)}
        try:
            scores = self._session.run([self.wiring.output], feed)[0]
        except Exception as error:
            if is_of_memory(error):
                raise ran_out(len(inputs)) from error
            raise
        return np.asarray(scores, np.float32).reshape(len(inputs), -1)


class Graph:
    """All outputs of a session, by name, for inputs (N, H, W, C) of a batch size that it takes.

    path: the file it was opened from. names: of the outputs. on_gpu: whether it runs on a GPU.
    """

    def __init__(self, path: str, wiring: Wiring, session: Any) -> None:
        self.path, self.wiring = path, wiring
        self._session = session
        self.names = tuple(output.name for output in session.get_outputs())
        self.on_gpu = PROVIDERS[0] in session.get_providers()

    def __call__(self, inputs: Floats) -> Outputs:
        height, width = inputs.shape[1:3]
        with guarded(len(inputs), (height, width)):
            return run_all(self._session, self.wiring, inputs)


@contextmanager
def guarded(pictures: int, size: tuple[int, int]) -> Iterator[None]:
    """Turn any error of a run into OutOfMemory or a ModelError. size: height and width of the pictures, in pixels."""
    try:
        yield
    except Exception as error:
        if is_of_memory(error):
            raise ran_out(pictures) from error
        height, width = size
        raise ModelError(STOPPED.format(width=width, height=height)) from error


def as_tensor(inputs: Floats, wiring: Wiring) -> Any:
    """Return inputs (N, H, W, C) in the layout and number type that the graph takes."""
    values = as_numbers(inputs, wiring)
    tensor = np.ascontiguousarray(
        values.transpose(0, 3, 1, 2) if wiring.spec.layout == "NCHW" else values, wiring.dtype
    )
    return tensor if wiring.batched else tensor[0]


def as_numbers(inputs: Floats, wiring: Wiring) -> Floats:
    """Return inputs (N, H, W, C) as the graph sees them: rounded if it takes whole numbers only."""
    return np.clip(np.rint(inputs), 0, 255) if wiring.dtype == "uint8" else inputs


def open_session(model: str | bytes) -> Any:
    """Open a session from a path or from bytes; a VitrineError says why if that fails."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.enable_mem_pattern = False
    options.intra_op_num_threads = threads_wanted()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning slows other workers down
    usable = [p for p in PROVIDERS if p in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(model, options, providers=usable)
    except Exception as error:
        # the worker knows the memory limit and words that error
        raise error if is_of_memory(error) else _open_error(str(error)) from error


def find_wiring(session: Any, graph_input: GraphInput) -> tuple[Wiring, dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Find layout, size and batch by trial; return them with the shapes of all outputs, and the names of score rows.

    Shapes have a batch dimension. UnsupportedModel if no output has one score per class.
    """
    wiring, outputs = first_answer(session, graph_input, COMMON_SIDES)
    shapes = {name: _shape(value, wiring) for name, value in outputs.items() if isinstance(value, np.ndarray)}
    check_no_boxes(list(shapes.values()))
    batch = wiring.spec.batch or TRIED
    rows = tuple(
        name
        for name, shape in shapes.items()
        if outputs[name].dtype.kind == "f" and shape[:1] == (batch,) and is_score_row(shape)
    )
    if not rows:
        check_labels(outputs)
        raise not_a_classifier(list(shapes.values()), wiring.spec.height or wiring.side)
    return replace(wiring, output=rows[0], spec=settled(session, wiring)), shapes, rows


def check_labels(outputs: Outputs) -> None:
    """Raise UnsupportedModel if outputs hold the class of every pixel, but no scores of pixels."""
    kinds = {value.dtype.kind for value in outputs.values() if isinstance(value, np.ndarray) and value.ndim > 2}
    if kinds and kinds <= set("iu"):
        raise UnsupportedModel(LABELS_ONLY)


def _shape(value: Any, wiring: Wiring) -> tuple[int, ...]:
    """Return an output's shape, with the batch dimension that a graph for single pictures leaves out."""
    shape = tuple(value.shape)
    return shape if wiring.batched or (len(shape) > 1 and shape[0] == 1) else (1, *shape)


def first_answer(session: Any, graph_input: GraphInput, sides: Sequence[int]) -> tuple[Wiring, Outputs]:
    """Find layout, size and batch by trial, and return them with the outputs; UnsupportedModel if no trial works.

    sides: values to try for a free height or width, in pixels.
    """
    last: Exception | None = None
    for wiring in _guesses(graph_input, sides):
        try:
            return wiring, run_all(session, wiring, _tried_inputs(wiring))
        except Exception as error:
            if is_of_memory(error):
                raise
            last = error
    raise UnsupportedModel(
        "The model stopped with an error when it was shown a picture. Check that it runs in ONNX Runtime, "
        "and that its input has the shape batch x 3 x height x width."
    ) from last


def _guesses(graph_input: GraphInput, sides: Sequence[int]) -> Iterator[Wiring]:
    spec = graph_input.spec
    sides = sides if None in (spec.height, spec.width) else sides[:1]
    layouts = (spec,) if graph_input.layout_known else (spec, replace(spec, layout="NHWC"))
    for side in sides:
        for layout_spec in layouts:
            batches = (spec.batch,) if spec.batch else (None, 1)
            for batch in batches:
                yield Wiring(
                    graph_input.name,
                    graph_input.dtype,
                    replace(layout_spec, batch=batch),
                    side=side,
                    batched=graph_input.batched,
                )


def _tried_inputs(wiring: Wiring) -> Floats:
    return noise(wiring.spec, wiring.spec.batch or TRIED, wiring.side)


def run_all(session: Any, wiring: Wiring, inputs: Floats) -> Outputs:
    """Return all outputs of a session, by name, for inputs (N, H, W, C) of a batch size that it takes."""
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, {wiring.input: as_tensor(inputs, wiring)}), strict=True))


def settled(session: Any, wiring: Wiring) -> InputSpec:
    """Return the input, its free sizes fixed if only the one that was tried works."""
    spec = wiring.spec
    if None not in (spec.height, spec.width):
        return spec
    try:
        larger = replace(wiring, side=wiring.side + 32)
        run_all(session, larger, _tried_inputs(larger))
    except Exception:
        return replace(spec, height=spec.height or wiring.side, width=spec.width or wiring.side)
    return spec


def _open_error(text: str) -> Exception:
    if limit := re.search(r"Opset\s+(\d+)\s+is\s+under\s+development.*till\s+opset\s+(\d+)", text, re.S):
        return UnsupportedModel(
            f"The model asks for ONNX opset {limit[1]}; the runtime here knows up to {limit[2]}. "
            "Export it again with an older opset, such as 17."
        )
    if limit := re.search(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)", text):
        return UnsupportedModel(
            f"The model asks for ONNX format version {limit[1]}; the runtime here knows up to {limit[2]}. "
            "Export it again with an older version of onnx."
        )
    if unknown := _UNKNOWN_OPERATOR.search(text):
        return unknown_operator(next(name for name in unknown.groups() if name))
    return RefusedModel(DAMAGED)
