"""Find the levels of a detector's feature pyramid in its graph: where each grid's heads begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import onnx
from onnx import helper

Shapes = Mapping[str, tuple[int, ...]]
LEAVING = ("Reshape", "Flatten", "Transpose", "Squeeze")  # operators by which values leave their grid
SIZES = ("Shape", "Size")  # operators whose answers depend on the size of a value alone
SMALL = 1000  # numbers in a weight that may say a shape
LEAST_PLACES = 4  # of a grid; a smaller one shows nothing
MOST_LEVELS = 8


@dataclass(frozen=True)
class Graph:
    """A graph as steps between named values."""

    outputs: frozenset[str]
    makers: Mapping[str, Any]
    consumers: Mapping[str, Sequence[Any]]
    order: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def of(cls, model: Any) -> Graph:
        """Return the graph of a model."""
        consumers: dict[str, list[Any]] = {}
        for node in model.graph.node:
            for name in node.input:
                consumers.setdefault(name, []).append(node)
        makers = {name: node for node in model.graph.node for name in node.output}
        return cls(frozenset(o.name for o in model.graph.output), makers, consumers, tuple(makers))

    def before(self, names: Sequence[str], without: str = "", past_convolutions: bool = True) -> set[str]:
        """Return the values that `names` are made from, themselves included.

        without: a value that is not entered. past_convolutions: whether to go on before a convolution.
        """
        seen: set[str] = set()
        waiting = [name for name in names if name != without]
        while waiting:
            name = waiting.pop()
            seen.add(name)
            node = self.makers.get(name)
            if node is not None and node.op_type not in SIZES and (past_convolutions or node.op_type != "Conv"):
                waiting += [each for each in node.input if each and each not in seen and each != without]
        return seen


def levels_of(model: Any, picture: str) -> Shapes:
    """Return the values from which the heads of each grid begin with their shapes, the finest grid first.

    model: the outline of one is enough. picture: the input that takes pictures; its size must be fixed.

    All boxes of a grid depend on its level, and a convolution or more lies between the level and what leaves the grid.
    """
    graph, shapes = Graph.of(model), _inferred_shapes(model)
    last = graph.before(sorted(graph.outputs), past_convolutions=False)
    ends: dict[tuple[int, ...], list[str]] = {}
    for name in last:
        if _on_grid(shapes.get(name, ())) and _leaves(graph, name, shapes):
            ends.setdefault(shapes[name][2:], []).append(name)
    levels = {level for grid in ends if (level := _begin(graph, shapes, ends[grid], picture))}
    finest_first = sorted(levels, key=lambda level: -shapes[level][2] * shapes[level][3])
    return {level: shapes[level] for level in finest_first[:MOST_LEVELS]}


def _inferred_shapes(model: Any) -> Shapes:
    """Return the shapes of all values that are known, by name."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    values = (*inferred.value_info, *inferred.input, *inferred.output)
    return {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in values}


def outline(model: Any) -> Any:
    """Return a copy of a model with the shapes of its large weights instead of their numbers."""
    drawn = onnx.ModelProto(ir_version=model.ir_version)
    drawn.opset_import.extend(model.opset_import)
    drawn.functions.extend(model.functions)
    for part in ("node", "input", "output", "value_info"):
        getattr(drawn.graph, part).extend(getattr(model.graph, part))
    declared = {each.name for each in model.graph.input}
    for weight in model.graph.initializer:
        if prod(weight.dims) <= SMALL and weight.data_location != onnx.TensorProto.EXTERNAL:
            drawn.graph.initializer.append(weight)
        elif weight.name not in declared:
            drawn.graph.input.append(helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims))
    return drawn


def _on_grid(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and min(shape) > 0 and shape[2] * shape[3] >= LEAST_PLACES


def _leaves(graph: Graph, name: str, shapes: Shapes) -> bool:
    return name in graph.outputs or any(node.op_type in LEAVING for node in graph.consumers.get(name, ()))


def _begin(graph: Graph, shapes: Shapes, ends: list[str], picture: str) -> str | None:
    """Return the last value of a grid that all of `ends` depend on through a convolution, None if there is none."""
    behind = graph.before(ends, past_convolutions=False)
    ancestors = graph.before(ends)
    grid = shapes[ends[0]][2:]
    on_the_way = [n for n in graph.order if n in ancestors and n not in behind and shapes.get(n, ())[2:] == grid]
    for name in reversed(on_the_way):
        if picture not in graph.before(ends, without=name):
            return name
    return None
