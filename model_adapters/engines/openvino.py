"""Forward passes through OpenVINO on the CPU; nothing is written to disk and nothing is sent."""

from __future__ import annotations

import importlib
import io
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from model_adapters.common.output_shapes import Outputs
from model_adapters.common.probes import ran_out
from model_adapters.common.threads import threads_wanted
from xai_core.ends import End
from xai_core.types import Floats, InputSpec, Precision

NAME = "OpenVINO"
PRECISIONS: dict[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}
_TELEMETRY = "openvino_telemetry"


def _imported() -> Any:
    """Import OpenVINO without its telemetry, which writes to the home folder; None if it is not installed."""
    before = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # importing it fails, which OpenVINO expects
    try:
        return importlib.import_module("openvino")
    except ImportError:
        return None
    finally:
        del sys.modules[_TELEMETRY]
        if before is not None:
            sys.modules[_TELEMETRY] = before


openvino = _imported()


@dataclass(frozen=True)
class Portable:
    """A model in the form that OpenVINO's converter reads.

    model: an nn.Module, the path or bytes of an ONNX file, or a TensorFlow function; it maps a batch in the layout of
    the network's card to scores (N, K). example: a batch to trace it with, if needed. output: the name of
    the scores, if there are other outputs. dtype: the number type of the input. batched: whether the input has a
    dimension for the batch. end: turns the scores of the model into those of the network.
    """

    model: Any
    example: Any = None
    output: str = ""
    dtype: str = "float32"
    batched: bool = True
    end: End | None = None


@runtime_checkable
class Convertible(Protocol):
    """A network that other engines can run."""

    def portable(self, height: int, width: int) -> Portable | None:
        """Return the model for inputs of height x width pixels; None if it runs on a GPU, which is faster."""


class _CompiledGraph:
    """A compiled graph for inputs (N, H, W, C) of one size; not for several threads at once."""

    def __init__(self, graph: Any, precision: Precision, portable: Portable) -> None:
        self.made = compiled(graph, precision)
        self.request = self.made.create_infer_request()
        self._portable = portable

    def infer(self, inputs: Floats) -> None:
        values = np.clip(np.rint(inputs), 0, 255) if self._portable.dtype == "uint8" else inputs
        plain = np.ascontiguousarray(values if self._portable.batched else values[0], self._portable.dtype)
        try:
            self.request.infer([plain], share_inputs=True)
        except RuntimeError as error:
            if "alloc" in str(error).lower():
                raise ran_out(len(inputs)) from error
            raise


class Compiled(_CompiledGraph):
    """Answers (N, K) to inputs (N, H, W, C) of one size; not for several threads at once."""

    def __init__(self, graph: Any, precision: Precision, portable: Portable) -> None:
        super().__init__(graph, precision, portable)
        self._output = self.made.output(portable.output) if portable.output else self.made.output(0)

    def __call__(self, inputs: Floats) -> Floats:
        self.infer(inputs)
        scores = np.array(self.request.get_tensor(self._output).data, np.float32).reshape(len(inputs), -1)
        return self._portable.end.of(scores) if self._portable.end else scores


class CompiledOutputs(_CompiledGraph):
    """All outputs, by these names, for inputs (N, H, W, C) of one size; not for several threads at once."""

    def __init__(self, graph: Any, precision: Precision, portable: Portable, names: Sequence[str]) -> None:
        super().__init__(graph, precision, portable)
        self._outputs = {name: self.made.output(name) for name in names}

    def __call__(self, inputs: Floats) -> Outputs:
        self.infer(inputs)
        return {name: np.array(self.request.get_tensor(output).data) for name, output in self._outputs.items()}


def compiled(graph: Any, precision: Precision, **more: Any) -> Any:
    """Return a graph compiled for this CPU; `more` are further settings of OpenVINO."""
    return openvino.Core().compile_model(graph, "CPU", _settings(precision) | more)


def knows(precision: Precision) -> bool:
    """Whether this CPU computes in a precision."""
    return precision == "float32" or "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def convert(portable: Portable, spec: InputSpec, height: int, width: int) -> Any:
    """Return the model as a graph that takes (N, height, width, C), whatever layout `spec` asks for.

    Raises whatever the converter raises if it cannot read the model.
    """
    model = io.BytesIO(portable.model) if isinstance(portable.model, bytes) else portable.model
    with warnings.catch_warnings(action="ignore"):  # tracing warns about every branch it takes
        graph = openvino.convert_model(model, example_input=portable.example)
    batch, channels = spec.batch or -1, spec.channels
    planes = spec.layout == "NCHW"
    sizes = [batch, channels, height, width] if planes else [batch, height, width, channels]
    first = 0 if portable.batched else 1
    graph.reshape(sizes[first:])
    return _taking_pixels(graph, "NHWC"[first:], "NCHW"[first:]) if planes else graph


def _taking_pixels(graph: Any, ours: str, its: str) -> Any:
    # The transposition is fused into the first layer; NumPy would copy the batch.
    steps = openvino.preprocess.PrePostProcessor(graph)
    steps.input().tensor().set_layout(openvino.Layout(ours))
    steps.input().model().set_layout(openvino.Layout(its))
    return steps.build()


def _settings(precision: Precision) -> dict[str, Any]:
    threads = threads_wanted()
    return {
        "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # several workers would be pinned to the same cores
        "CACHE_DIR": "",
        **({"INFERENCE_NUM_THREADS": threads} if threads else {}),
    }
