"""Turn TorchScript and torch.export graphs into modules with a child for each step, accessible like any other."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from xai_core.errors import UnsupportedModel

WEIGHT = "self."  # what the names of a frozen graph's weights begin with


def _convolved(
    values: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, *others: Any
) -> Any:
    """Convolve by the public function, which hooks and modes recognise."""
    if transposed:
        return torch.ops.aten._convolution.default(values, weight, bias, stride, padding, dilation, transposed, *others)
    by_sides = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
    return by_sides[len(stride)](values, weight, bias, stride, padding, dilation, others[1])


def _sliced(values: Any, *where: Any) -> Any:
    if isinstance(values, list):
        return values[slice(*where)]
    dim, *ends = where
    return values[(slice(None),) * (dim % values.dim()) + (slice(*ends),)]


def _appended(values: list[Any], item: Any) -> list[Any]:
    values.append(item)
    return values


def _stopped(*why: Any) -> None:
    raise RuntimeError("The model stopped.")


BUILT_IN: dict[str, Callable[..., Any]] = {
    "aten::_convolution": _convolved,
    "aten::__contains__": operator.contains,
    "aten::__getitem__": operator.getitem,
    "aten::__is__": operator.is_,
    "aten::__isnot__": operator.is_not,
    "aten::__not__": operator.not_,
    "aten::append": _appended,
    "aten::format": lambda *words: "",
    "aten::len": len,
    "aten::warn": lambda *words: None,
    "aten::slice": _sliced,
    "prim::RaiseException": _stopped,
    "prim::Uninitialized": lambda: None,
    "prim::ListConstruct": lambda *values: list(values),
    "prim::TupleConstruct": lambda *values: tuple(values),
    "prim::DictConstruct": lambda *values: dict(zip(values[::2], values[1::2], strict=True)),
    "prim::ListUnpack": tuple,
    "prim::TupleUnpack": tuple,
    "prim::TupleIndex": lambda values, index: values[index],
    "prim::NumToTensor": torch.tensor,
    "prim::unchecked_cast": lambda value: value,
}


def program_of(script: Any) -> Any:
    """Return the module that does what a ScriptModule in eval mode does; UnsupportedModel if a step is unknown."""
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated, yet many files are in use
        graph = torch.jit.freeze(script, optimize_numerics=False).graph
    itself, *inputs = graph.inputs()
    if itself.uses() or len(inputs) != 1:
        raise UnsupportedModel("The graph keeps a state of its own, or takes more than pictures.")
    return Block(graph, [inputs[0].debugName()], _Names())


def with_steps(module: Any) -> Any:
    """Give each call of a function in a module of torch.fx a child of its own, in place, and return the module."""
    for node in [node for node in module.graph.nodes if node.op == "call_function"]:
        stack = list(node.meta.get("nn_module_stack", {"": ("", None)}).values())
        path = str(stack[-1][0]).rpartition("]")[2].strip(".").replace(".", "/") if stack else ""
        name = "/".join(part for part in (path, node.name) if part)
        module.add_module(name, Called(node.target))
        node.op, node.target = "call_module", name
    module.recompile()
    return module


class Called(torch.nn.Module):  # type: ignore[misc]
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


class Block(torch.nn.Module):  # type: ignore[misc]
    """Steps that run in sequence on named values; a value is freed after its last use."""

    def __init__(self, graph: Any, inputs: list[str], names: _Names) -> None:
        super().__init__()
        self.inputs = inputs
        self.outputs = [value.debugName() for value in graph.outputs()]
        self.constants: dict[str, Any] = {}
        for node in graph.nodes():
            if node.kind() == "prim::Constant":
                self.constants[node.output().debugName()] = node.output().toIValue()
            else:
                self.add_module(names.name(node), _step(node, names))
        self._last_uses = self._found_last_uses()

    @property
    def reads(self) -> list[str]:
        """The values that the block takes from its surroundings."""
        own = {name for step in self.children() for name in step.gives} | {*self.inputs, *self.constants}
        wanted = [name for step in self.children() for name in step.reads] + self.outputs
        return [name for name in dict.fromkeys(wanted) if name not in own]

    def forward(self, *inputs: Any) -> Any:
        outputs = self.run(dict(zip(self.inputs, inputs, strict=True)))
        return outputs[0] if len(outputs) == 1 else outputs

    def run(self, values: dict[str, Any]) -> tuple[Any, ...]:
        """Return the block's outputs, from values by name."""
        values = values | self.constants
        for step, done in zip(self.children(), self._last_uses, strict=True):
            results = step(*(values[name] for name in step.reads))
            values.update(zip(step.gives, results if len(step.gives) != 1 else (results,), strict=True))
            for name in done:
                del values[name]
        return tuple(values[name] for name in self.outputs)

    def _found_last_uses(self) -> list[list[str]]:
        steps = list(self.children())
        last = {name: at for at, step in enumerate(steps) for name in step.reads}
        kept = {*self.outputs, *self.constants}
        return [[name for name, use in last.items() if use == at and name not in kept] for at in range(len(steps))]


class Step(torch.nn.Module):  # type: ignore[misc]
    """One call of an operator; weights are buffers, by the names of the operator's arguments.

    reads, gives: the names of the input and output values.
    """

    def __init__(self, node: Any) -> None:
        super().__init__()
        self._function, arguments = _operator(node)
        self.gives = [value.debugName() for value in node.outputs()]
        self._slots: list[tuple[str, bool, Callable[[Any], Any] | None]] = []
        self.reads: list[str] = []
        for (name, by_name), value in zip(arguments, node.inputs(), strict=True):
            self._slots.append((name, by_name, self._source(name, value)))

    def _source(self, name: str, value: Any) -> Callable[[Any], Any] | None:
        """Return a function from the step's input values to an argument's value; None if it is a weight."""
        constant = value.toIValue() if value.node().kind() == "prim::Constant" else None
        if isinstance(constant, torch.Tensor):
            self.register_buffer(name, constant)
            return None
        if value.node().kind() == "prim::Constant":
            return lambda values: constant
        self.reads.append(value.debugName())
        return operator.itemgetter(len(self.reads) - 1)

    def forward(self, *values: Any) -> Any:
        positional, named = [], {}
        for name, by_name, source in self._slots:
            value = self._buffers[name] if source is None else source(values)
            if by_name:
                named[name] = value
            else:
                positional.append(value)
        return self._function(*positional, **named)


class Choice(torch.nn.Module):  # type: ignore[misc]
    """One of two blocks, chosen by the first value."""

    def __init__(self, node: Any, names: _Names) -> None:
        super().__init__()
        self.gives = [value.debugName() for value in node.outputs()]
        self._decides = next(node.inputs()).debugName()
        self.blocks = torch.nn.ModuleList(Block(block, [], names) for block in node.blocks())
        self.reads = list(dict.fromkeys([self._decides, *(name for block in self.blocks for name in block.reads)]))

    def forward(self, *values: Any) -> Any:
        named = dict(zip(self.reads, values, strict=True))
        outputs = self.blocks[0 if named[self._decides] else 1].run(named)
        return outputs[0] if len(self.gives) == 1 else outputs


class _Names:
    """Names each step uniquely: that of the layer whose weights it uses, or of the last such layer and its kind."""

    def __init__(self) -> None:
        self._layer = ""
        self._used: dict[str, int] = {}

    def name(self, node: Any) -> str:
        tensors = [value.debugName() for value in node.inputs() if isinstance(value.type(), torch._C.TensorType)]
        weights = [name for name in tensors if name.startswith(WEIGHT)]
        if weights:
            self._layer = weights[0].removeprefix(WEIGHT).rpartition(".")[0].replace(".", "/")
        kind = node.kind().partition("::")[2].strip("_")
        wanted = "/".join(part for part in (self._layer, "" if weights and self._layer else kind) if part)
        count = self._used.get(wanted, 0)
        self._used[wanted] = count + 1
        return f"{wanted}_{count}" if count else wanted


def _step(node: Any, names: _Names) -> Any:
    return Choice(node, names) if node.kind() == "prim::If" else Step(node)


def _operator(node: Any) -> tuple[Callable[..., Any], list[tuple[str, bool]]]:
    """Return what a node calls, and for each of its inputs the argument's name and whether it is keyword-only."""
    kind = node.kind()
    unnamed = [(f"value{at}", False) for at in range(node.inputsSize())]
    if kind in BUILT_IN:
        return BUILT_IN[kind], unnamed
    space, _, name = kind.partition("::")
    try:
        schema = torch._C.parse_schema(node.schema())
        function = getattr(getattr(getattr(torch.ops, space), name), schema.overload_name or "default")
    except (RuntimeError, AttributeError):
        raise UnsupportedModel(f"The graph uses {kind}.") from None
    arguments = [(argument.name, argument.kwarg_only) for argument in schema.arguments]
    return function, arguments + unnamed[len(arguments) :]
