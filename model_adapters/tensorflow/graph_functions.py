"""Functions of TensorFlow that a Keras 2 model calls by name between its layers; which of them are only arithmetic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FUNCTION_LAYERS = ("TFOpLambda", "SlicingOpLambda")
OTHER_CALLS = ("ClassMethod", "InstanceMethod", "InstanceProperty")
_FAMILIES = r"(math|nn|linalg|image|signal|keras\.activations|keras\.backend)\.\w+|__operators__\.\w+"
_ALONE = (
    r"abs|add|add_n|argmax|broadcast_to|cast|clip_by_value|concat|convert_to_tensor|cos|depth_to_space|divide|einsum|"
    r"exp|expand_dims|gather|identity|matmul|maximum|minimum|multiply|negative|norm|one_hot|ones_like|pad|pow|range|"
    r"rank|reduce_\w+|repeat|reshape|reverse|roll|round|shape|sigmoid|sign|sin|size|slice|space_to_depth|split|sqrt|"
    r"square|squeeze|stack|stop_gradient|strided_slice|subtract|tanh|tensordot|tile|transpose|truediv|unstack|where|"
    r"zeros_like"
)
_ARITHMETIC = re.compile(rf"(compat\.v1\.)?({_FAMILIES}|{_ALONE})")


def beyond_arithmetic(entry: Mapping[str, Any]) -> str:
    """Return the function that an object of a configuration calls by name, if it may do more than compute; else ""."""
    kind = str(entry["class_name"])
    if kind in OTHER_CALLS:
        return kind
    if kind not in FUNCTION_LAYERS:
        return ""
    settings = entry["config"]
    function = settings.get("function") if isinstance(settings, dict) else None
    if isinstance(function, str) and _ARITHMETIC.fullmatch(function):
        return ""
    return "" if function is None and kind == "SlicingOpLambda" else str(function)[:80]
