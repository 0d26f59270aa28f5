"""Read a model's input from its shape."""

from __future__ import annotations

from model_adapters.common.output_shapes import Shape, is_depth, shown
from xai_core.errors import UnsupportedModel
from xai_core.preprocessing import MOST_BANDS
from xai_core.types import InputSpec


def input_spec(sizes: Shape) -> InputSpec:
    """Read (batch, height, width, channels) or (batch, channels, height, width); UnsupportedModel for others."""
    if len(sizes) != 4:
        raise UnsupportedModel(f"The model's input is {shown(sizes)}; expected batch x height x width x channels.")
    batch, *rest = sizes
    if rest[2] in (1, 3, None):
        return InputSpec(rest[0], rest[1], rest[2] or 3, "NHWC", batch)
    if rest[0] in (1, 3):
        return InputSpec(rest[1], rest[2], rest[0], "NCHW", batch)
    if is_depth(rest[2], rest[:2]):
        return InputSpec(rest[0], rest[1], rest[2] or 3, "NHWC", batch)
    if is_depth(rest[0], rest[1:]):
        return InputSpec(rest[1], rest[2], rest[0] or 3, "NCHW", batch)
    raise UnsupportedModel(f"The model's input is {shown(sizes)}; expected 1 to {MOST_BANDS} channels.")
