"""What code offers to build for some weights: the likeliest class, and its arguments guessed from the file."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from model_adapters.code.definitions import Definition, Parameter, short_names
from model_adapters.code.running import SETTINGS
from model_adapters.pytorch.checkpoint.reading import Checkpoint
from model_adapters.pytorch.finding.flat import flat_tensors
from xai_core.model_code import CodeEntry, CodeParameter

CLASSES = re.compile(
    r"(num|n|nb|number_of)?_?(class|label|output|target|categor|logit)(es|s|ies)?(_?(num|count|dim|size))?|out(put)?_(features|dim|size)|c_?out"
)
CHANNELS = re.compile(
    r"(num_|n_|nb_)?(in|input|img|image|ch|channel|channels)(_?(ch|chan|chans|channel|channels|planes|c))?|(num|n|nb)_channels|c_?in"
)
FEATURES = re.compile(r"(in|input)_(features|dim|size)|n_features")
WHOLE_SETTINGS = ("hparams", "hyper_parameters", "config", "cfg", "conf", "args", "opt", "opts", "params", "options")
MOST_SHOWN, LONGEST_VALUE = 3, 200


@dataclass(frozen=True)
class Evidence:
    """What a file says about the code that made it: shapes by name in the order of the file, and settings."""

    shapes: Mapping[str, tuple[int, ...]]
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Evidence:
        """Return what a checkpoint shows."""
        tensors = flat_tensors(checkpoint.content)
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if tensor.is_floating_point()}
        return cls(shapes, checkpoint.settings)


def entries_of(definitions: list[Definition], evidence: Evidence) -> tuple[CodeEntry, ...]:
    """Return what the code offers, the likeliest first, with a reason if the file shows that it is."""
    named = short_names(definitions)
    shares = {name: _share(definition, evidence.shapes) for name, definition in named.items()}
    entries = {name: _entry(name, definition, evidence) for name, definition in named.items()}

    def rank(name: str) -> tuple[bool, float, bool, bool]:
        within, is_function = named[name].within, named[name].kind == "function"
        return within, -shares[name][0], is_function, not entries[name].is_complete

    first, *others = sorted(entries, key=rank)
    return replace(entries[first], reason=_reason(first, shares, named)), *(entries[name] for name in others)


def defaults_left(definition: Definition, arguments: str) -> str:
    """Return the parameters with the defaults that a call leaves as they are, such as "deep=False"; "" if unclear."""
    call = ast.parse(f"f({arguments})", mode="eval").body
    if not isinstance(call, ast.Call):
        return ""
    named = {keyword.arg for keyword in call.keywords}
    if None in named or any(isinstance(argument, ast.Starred) for argument in call.args):
        return ""
    left = definition.parameters[len(call.args) :]
    return ", ".join(f"{p.name}={p.default}" for p in left if p.default and p.name not in named)


def _reason(name: str, shares: Mapping[str, tuple[float, tuple[str, ...]]], whole: Mapping[str, Definition]) -> str:
    share, parts = shares[name]
    if share > 0:
        more = ", ..." if len(parts) > MOST_SHOWN else ""
        return f"the file's tensors are named after its parts: {', '.join(parts[:MOST_SHOWN])}{more}"
    roots = [other for other, definition in whole.items() if not definition.within]
    return "no other class or function uses it" if roots == [name] else ""


def _share(definition: Definition, shapes: Mapping[str, tuple[int, ...]]) -> tuple[float, tuple[str, ...]]:
    """Return which share of the tensors belongs to a definition's parts behind the best prefix, and those parts."""
    best: tuple[float, tuple[str, ...]] = (0.0, ())
    for depth in range(4):
        under: dict[str, list[str]] = {}
        for name in shapes:
            *before, after = name.split(".", depth) if name.count(".") >= depth else ("", "")
            under.setdefault(".".join(before), []).append(after.partition(".")[0])
        for parts in under.values():
            held = [part for part in parts if part in definition.parts]
            best = max(best, (len(held) / max(len(shapes), 1), tuple(dict.fromkeys(held))), key=lambda pair: pair[0])
    return best


def _entry(name: str, definition: Definition, evidence: Evidence) -> CodeEntry:
    shapes = _own_shapes(definition, evidence.shapes)
    parameters = tuple(_guessed(p, shapes, evidence.settings) for p in definition.parameters)
    return CodeEntry(name, definition.kind, definition.module.file, parameters)


def _own_shapes(definition: Definition, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a definition's parts; all of them if its parts are not known."""
    own = {name: shape for name, shape in shapes.items() if set(name.split(".")) & definition.parts}
    return own or dict(shapes)


def _guessed(parameter: Parameter, shapes: Mapping[str, tuple[int, ...]], settings: Mapping[str, Any]) -> CodeParameter:
    name, default = parameter.name, parameter.default
    if name in settings and len(value := repr(settings[name])) <= LONGEST_VALUE:
        return CodeParameter(name, "" if value == default else value, default, "a setting in the file")
    if not default and name in WHOLE_SETTINGS and settings:
        return CodeParameter(name, SETTINGS, default, f"all {len(settings)} settings in the file")
    for value, reason in _from_shapes(name, shapes):
        return CodeParameter(name, "" if value == default else value, default, reason)
    return CodeParameter(name, "", default)


def _from_shapes(name: str, shapes: Mapping[str, tuple[int, ...]]) -> list[tuple[str, str]]:
    """Return what the first or last layer says about a parameter of this name, with the reason; nothing if neither."""
    matrices = {tensor: shape for tensor, shape in shapes.items() if len(shape) in (2, 4)}
    if not matrices:
        return []
    (first, at_first), (last, at_last) = next(iter(matrices.items())), list(matrices.items())[-1]
    if CLASSES.fullmatch(name.lower()):
        return [(str(at_last[0]), f"the rows of {last[:80]}")]
    if len(at_first) == 4 and CHANNELS.fullmatch(name.lower()):
        return [(str(at_first[1]), f"the input channels of {first[:80]}")]
    if len(at_first) == 2 and FEATURES.fullmatch(name.lower()):
        return [(str(at_first[1]), f"the columns of {first[:80]}")]
    return []
