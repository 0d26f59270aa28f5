"""Replace Lambda layers of a Keras configuration by plain layers, where their code is a known preprocessing.

The code is read as data (`files/code_marshal.py`) and followed symbolically; it never runs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_adapters.files.code_marshal import Code, NotPlainCode, read

CAFFE_LAYER = "CaffePixels"
_FUNCTION = "preprocess_input"
_MODES = {
    **dict.fromkeys(("mobilenet", "mobilenet_v2", "resnet_v2", "xception", "inception_v3"), "tf"),
    **dict.fromkeys(("inception_resnet_v2", "nasnet"), "tf"),
    **dict.fromkeys(("vgg16", "vgg19", "resnet", "resnet50"), "caffe"),
    "densenet": "torch",
    **dict.fromkeys(("efficientnet", "efficientnet_v2", "convnext", "mobilenet_v3"), "none"),
}
_TORCH_MEAN, _TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class _Opcodes:
    """The numbers of the instructions of one version of Python that a preprocessing needs."""

    fast: int
    constant: int
    give: int
    calls: tuple[int, ...]
    ignored: tuple[int, ...] = ()
    binary: int | None = None  # its argument is the operator
    operators: tuple[tuple[int, str], ...] = ()  # each an instruction of its own


_ALONE = ((20, "*"), (23, "+"), (24, "-"), (27, "/"), (57, "*"), (55, "+"), (56, "-"), (29, "/"))
_BY_NUMBER = {0: "+", 5: "*", 10: "-", 11: "/", 13: "+", 18: "*", 23: "-", 24: "/"}
_UNARY = (10, 11, 12, 15, 41, 42, 43)  # minus, not and so on; from 41 on in 3.13
_BEFORE_311 = _Opcodes(124, 100, 83, (131, 161), operators=_ALONE)
_FROM_311 = (
    _Opcodes(124, 100, 83, (171,), ignored=(151, 0), binary=122),
    _Opcodes(85, 83, 36, (53,), ignored=(149, 0), binary=45),  # 3.13
)


@dataclass(frozen=True)
class Affine:
    """factor * x + shift."""

    factor: float
    shift: float


def replaced(config: Any) -> bool:
    """Replace, in place, each Lambda layer that is a known preprocessing; return whether there was one."""
    changed = False
    for entry in _layers(config):
        plain = _plain_layer(entry)
        if plain is not None:
            entry["class_name"], settings = plain
            kept = {key: value for key, value in entry["config"].items() if key in ("name", "trainable", "dtype")}
            entry["config"] = kept | settings
            entry["registered_name"] = None
            _without_masks(entry)
            changed = True
    return changed


def affine(code: Code) -> Affine | None:
    """Return what a function of one argument computes if that is factor * x + shift, read from its instructions."""
    tables = (_BEFORE_311,) if code.layout < 11 else _FROM_311
    results = {result for table in tables if (result := _followed(code, table)) is not None}
    return results.pop() if len(results) == 1 else None


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("class_name") == "Lambda" and isinstance(node.get("config"), dict):
                yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _plain_layer(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    settings = entry["config"]
    if settings.get("arguments"):
        return None
    function = settings.get("function")
    if mode := _by_name(function, settings):
        return _of_mode(mode)
    for code in _codes(function):
        if code.arguments == 1 and (mode := _called(code)):
            return _of_mode(mode)
        if code.arguments == 1 and (line := affine(code)):
            return "Rescaling", {"scale": line.factor, "offset": line.shift}
    return None


def _by_name(function: Any, settings: Mapping[str, Any]) -> str:
    """Return the mode of a `preprocess_input` that is named with its module; "" if it is not."""
    module: Any = settings.get("module")
    if isinstance(function, dict) and function.get("class_name") == "function":
        function, module = function.get("config"), function.get("module")
    elif settings.get("function_type") != "function":
        return ""
    parts = module.split(".") if isinstance(module, str) else []
    return _MODES.get(parts[-1], "") if function == _FUNCTION and "applications" in parts else ""


def _codes(function: Any) -> list[Code]:
    """Return the code of a serialised function without defaults and without a closure."""
    if isinstance(function, dict) and isinstance(function.get("config"), dict):
        parts = [function["config"].get(name) for name in ("code", "defaults", "closure")]
    else:
        parts = list(function) if isinstance(function, list) else []
    if len(parts) != 3 or not isinstance(parts[0], str) or parts[1] or parts[2]:
        return []
    try:
        return read(base64.b64decode(parts[0]))
    except (NotPlainCode, binascii.Error, ValueError):
        return []


def _called(code: Code) -> str:
    """Return the mode of the one function that is called on the argument, by the full name in the code; else ""."""
    path = [name for name in code.names if isinstance(name, str)]
    if not path or path[-1] != _FUNCTION or len(path) < 3 or any(value is not None for value in code.constants):
        return ""
    tables = (_BEFORE_311,) if code.layout < 11 else _FROM_311
    calls = [sum(opcode in table.calls for opcode in code.instructions[::2]) for table in tables]
    operators = {opcode for table in tables for opcode in (table.binary, *(o for o, _ in table.operators))}
    alone = 1 in calls and not (operators | set(_UNARY)) & set(code.instructions[::2])
    return _MODES.get(path[-2], "") if alone and path[-3] == "applications" else ""


def _of_mode(mode: str) -> tuple[str, dict[str, Any]]:
    if mode == "caffe":
        return CAFFE_LAYER, {}
    if mode == "torch":
        scale = [1 / (255 * std) for std in _TORCH_STD]
        return "Rescaling", {"scale": scale, "offset": [-m / s for m, s in zip(_TORCH_MEAN, _TORCH_STD, strict=True)]}
    return "Rescaling", {"scale": 1 / 127.5, "offset": -1.0} if mode == "tf" else {"scale": 1.0, "offset": 0.0}


def _followed(code: Code, table: _Opcodes) -> Affine | None:
    """Follow the instructions with x as 1 * x + 0; None at the first that does anything else."""
    stack: list[Affine] = []
    alone = dict(table.operators)
    for opcode, argument in zip(code.instructions[::2], code.instructions[1::2], strict=False):
        if opcode in table.ignored:
            continue
        operator = _BY_NUMBER.get(argument) if opcode == table.binary else alone.get(opcode)
        if opcode == table.fast and argument == 0:
            stack.append(Affine(1.0, 0.0))
        elif opcode == table.constant and (number := _number_at(code.constants, argument)) is not None:
            stack.append(Affine(0.0, number))
        elif operator and len(stack) > 1:
            right, left = stack.pop(), stack.pop()
            if (result := _combined(operator, left, right)) is None:
                return None
            stack.append(result)
        else:
            return stack[0] if opcode == table.give and len(stack) == 1 and stack[0].factor else None
    return None


def _number_at(constants: Sequence[Any], place: int) -> float | None:
    value = constants[place] if place < len(constants) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _combined(operator: str, left: Affine, right: Affine) -> Affine | None:
    if operator in "+-":
        sign = 1 if operator == "+" else -1
        return Affine(left.factor + sign * right.factor, left.shift + sign * right.shift)
    if operator == "*":
        if left.factor and right.factor:
            return None
        line, number = (right, left.shift) if not left.factor else (left, right.shift)
        return Affine(line.factor * number, line.shift * number)
    return None if right.factor or not right.shift else Affine(left.factor / right.shift, left.shift / right.shift)


def _without_masks(entry: Mapping[str, Any]) -> None:
    for node in entry.get("inbound_nodes") or ():
        if isinstance(node, dict) and isinstance(node.get("kwargs"), dict):
            node["kwargs"].pop("mask", None)
