"""A graph that OpenVINO reads, behind the common interface: predictions only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_adapters.common.probes import AT_ONCE, in_batches, ran_out
from model_adapters.engines.openvino import compiled
from model_adapters.files.tflite import LiteTensor
from xai_core.ends import End
from xai_core.errors import is_of_memory
from xai_core.network import Network
from xai_core.types import Card, Floats, InputSpec

# OpenVINO's own arithmetic for whole numbers rounds at other places than TensorFlow Lite, and is off by several steps.
AS_LITERT = {"LP_TRANSFORMS_MODE": "NO"}


@dataclass(frozen=True)
class Quantised:
    """How whole numbers stand for values: value = scale * (stored - zero)."""

    dtype: str
    scale: float = 0.0
    zero: int = 0

    @classmethod
    def of(cls, tensor: LiteTensor) -> Quantised:
        return cls(tensor.dtype, tensor.scale, tensor.zero)

    @property
    def whole(self) -> bool:
        """Whether whole numbers are stored."""
        return self.dtype in ("uint8", "int8", "int16", "int32")

    @property
    def span(self) -> tuple[float, float]:
        """The smallest and largest value that can be stored."""
        limits = np.iinfo(self.dtype)
        low, high = self.values(np.array([limits.min, limits.max]))
        return float(low), float(high)

    def stored(self, values: Floats) -> Any:
        """Return values as they are stored."""
        if not self.whole:
            return np.ascontiguousarray(values, self.dtype)
        limits = np.iinfo(self.dtype)
        steps = np.rint(values / self.scale + self.zero) if self.scale else np.rint(values)
        return np.clip(steps, limits.min, limits.max).astype(self.dtype)

    def values(self, stored: Any) -> Floats:
        """Return the values that are stored."""
        plain = np.asarray(stored, np.float32)
        return (plain - self.zero) * np.float32(self.scale) if self.whole and self.scale else plain


class Graph:
    """All outputs of a graph, (N, K) each, for inputs (N, H, W, C); not for several threads at once.

    number: how the input is stored. numbers: how each output is.
    """

    def __init__(self, model: Any, spec: InputSpec, number: Quantised, numbers: tuple[Quantised, ...]) -> None:
        self._model = compiled(model, "float32", **AS_LITERT)
        self._spec, self._number, self._numbers = spec, number, numbers
        self._request = self._model.create_infer_request()

    def __call__(self, inputs: Floats) -> tuple[Floats, ...]:
        planes = inputs.transpose(0, 3, 1, 2) if self._spec.layout == "NCHW" else inputs
        try:
            self._request.infer([np.ascontiguousarray(self._number.stored(planes))])
        except RuntimeError as error:
            if is_of_memory(error) or "alloc" in str(error).lower():
                raise ran_out(len(inputs)) from error
            raise
        found = [self._request.get_output_tensor(at).data for at in range(len(self._numbers))]
        return tuple(number.values(array.copy()) for number, array in zip(self._numbers, found, strict=True))


class OpenVinoNetwork(Network):
    """A classifier that only runs forwards; `rows` maps inputs (N, H, W, C) to raw outputs (N, K)."""

    def __init__(self, card: Card, rows: Callable[[Floats], Floats], end: End | None = None) -> None:
        self.card, self._rows, self._end = card, rows, end
        self.key = end.key if end else ""

    def forward(self, inputs: Floats) -> Floats:
        most = max(1, AT_ONCE // (inputs.shape[1] * inputs.shape[2]))
        outputs = in_batches(self._rows, self.card.input.batch, inputs, most=most)
        return self._end.of(outputs) if self._end else outputs

    def ended(self, end: End) -> OpenVinoNetwork:
        return OpenVinoNetwork(self.card, self._rows, end)
