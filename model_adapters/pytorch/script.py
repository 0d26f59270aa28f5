"""Open networks that bring their own code: TorchScript, and modules from trusted pickles."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.probes import agree, in_batches, meaning, noise, trials
from model_adapters.pytorch.answers import DETECTOR, FILES, Steps, uses_files
from model_adapters.pytorch.network import TorchNetwork, frozen
from model_adapters.pytorch.probes import ask, find_input
from model_adapters.pytorch.program import program_of, with_steps
from model_adapters.pytorch.several_outputs import Chosen, Find, resolve
from xai_core.errors import ModelError, RefusedModel, TryAsDetector, UnsupportedModel
from xai_core.network import Network
from xai_core.preprocessing import MOST_BANDS
from xai_core.scores import squashed
from xai_core.types import OF_CLASSIFIERS, Capability, Card, FileKind, Floats, Head, InputSpec

ENDS: dict[str, Head] = {"aten::softmax": "softmax", "aten::log_softmax": "softmax", "aten::sigmoid": "sigmoid"}
DAMAGED = "The TorchScript file is damaged, or of another version of PyTorch. Export it again, or export ONNX."
NO_GRADIENT = (
    "this model has no gradient with respect to its input. Trace it with gradients on (not under torch.no_grad), "
    "or choose a method that needs predictions only."
)
CLOSE = 1e-4
SIDE = 224  # pixels, if the size is free


def load(path: str, kind: FileKind, reading: str = "") -> Network:
    """Open a TorchScript file; UnsupportedModel if it is no classifier of pictures.

    reading: the choice of an output, as JSON. If several outputs may hold the class scores and none is chosen, the
    network gives all of them.
    """
    module = opened(path)
    check_signature(module)
    resolved = resolve(module, OutputChoice.from_text(reading), find_input, kind)
    if resolved.undecided is not None:
        return resolved.undecided
    spec, inputs = resolved.spec, trials(resolved.spec)
    module = _selected(path, resolved.steps, spec)
    expected = [_answers(module, spec, batch) for batch in inputs]
    cut, head, logits = _without_end(_selected(path, resolved.steps, spec), spec, inputs, expected)
    card = describe(spec, expected, kind, cut is not None, head, resolved.notes)
    return _honest(_opened_up(module, card, inputs, expected) if cut is None else _opened_up(cut, card, inputs, logits))


def probed(module: Any, kind: FileKind, expected_input: InputSpec | None = None, reading: str = "") -> TorchNetwork:
    """Return the network around an nn.Module that came with its code.

    expected_input: the module's input, if known; otherwise, or if the module refuses it, the usual sizes are tried.
    reading: as for `load`.
    """
    return _resolved(frozen(module), kind, reading, partial(find_input, first=expected_input))


def exported(module: Any, shape: tuple[Any, ...], kind: FileKind, reading: str = "") -> Network:
    """Return the network around a module that torch.export made for an input of `shape`; free sizes are not int."""
    spec = exported_input(shape)

    def tried(module: Any) -> tuple[InputSpec, tuple[str, ...]]:
        _answers(module, spec, noise(spec, 1))
        return spec, ()

    return _resolved(frozen(with_steps(module)), kind, reading, tried)


def exported_input(shape: tuple[Any, ...]) -> InputSpec:
    """Return the input that torch.export recorded; free sizes are not int. UnsupportedModel if it is no picture."""
    if len(shape) != 4 or not isinstance(shape[1], int) or not 1 <= shape[1] <= MOST_BANDS:
        raise UnsupportedModel(f"The model takes {shape}; expected pictures (N, channels, H, W).")
    batch, channels, height, width = (size if isinstance(size, int) else None for size in shape)
    return InputSpec(height, width, channels or 3, batch=batch)


def _resolved(module: Any, kind: FileKind, reading: str, find: Find) -> TorchNetwork:
    resolved = resolve(module, OutputChoice.from_text(reading), find, kind)
    if resolved.undecided is not None:
        return resolved.undecided
    module = Chosen(module, resolved.steps) if resolved.steps else module
    expected = [_answers(module, resolved.spec, inputs) for inputs in trials(resolved.spec)]
    return _honest(TorchNetwork(module, describe(resolved.spec, expected, kind, False, None, resolved.notes)))


def describe(
    spec: InputSpec, expected: list[Floats], kind: FileKind, cut: bool, head: Head | None, notes: tuple[str, ...]
) -> Card:
    """Return the card of a network that answered `expected` before its end, `head`, was `cut` or left in place."""
    return Card(
        framework="pytorch",
        format=kind.format,
        classes=expected[0].shape[1],
        input=spec,
        capabilities=Capability.PREDICT | Capability.GRADIENT,
        **meaning(expected, cut, head),
        notes=(*kind.notes, *notes),
    )


def _honest(network: TorchNetwork) -> TorchNetwork:
    """Remove gradients from the card if the network has none."""
    card = network.card
    try:
        network.backward(noise(card.input, 1), np.zeros(1, np.int64), card.gives)
    except ModelError:
        missing = {name.name or "": NO_GRADIENT for name in OF_CLASSIFIERS & ~Capability.PREDICT}
        network.card = replace(card, capabilities=Capability.PREDICT, missing=missing)
        return network
    network.look_inside(SIDE)
    return network


def _opened_up(script: Any, card: Card, inputs: list[Floats], expected: list[Floats]) -> TorchNetwork:
    """Return the network with accessible layers, or the ScriptModule's own if answers or gradients differ.

    expected: the module's answers, from the processor; a file that was frozen there may not run on a GPU.
    """
    sealed = TorchNetwork(script, card)
    try:
        program = TorchNetwork(program_of(script), card)
        alike = agree([program.forward(i) for i in inputs], expected, CLOSE)
        return program if alike and (not _runs(sealed) or _same_slopes(program, sealed)) else sealed
    except Exception:  # TorchScript allows almost anything; the graph itself still runs
        return sealed


def _runs(network: TorchNetwork) -> bool:
    try:
        network.forward(noise(network.card.input, 1))
    except ModelError:
        return False
    return True


def _same_slopes(program: TorchNetwork, sealed: TorchNetwork) -> bool:
    return agree([_slope(program)], [_slope(sealed)], CLOSE)


def _slope(network: TorchNetwork) -> Floats:
    """Return a gradient scaled to a maximum of 1, unless it is zero."""
    slopes = network.backward(noise(network.card.input, 1), np.zeros(1, np.int64), network.card.gives)
    return np.asarray(slopes / (np.abs(slopes).max() or 1), np.float32)


def opened(path: str) -> Any:
    """Return the module of a TorchScript file, frozen; RefusedModel if it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, yet many files are in use
            module = torch.jit.load(path, map_location="cpu")
    except (RuntimeError, ValueError, OSError, LookupError, TypeError) as error:
        raise RefusedModel(FILES if uses_files(error) else DAMAGED) from None
    return frozen(module)


def check_signature(module: Any) -> None:
    if not hasattr(module, "forward"):
        raise UnsupportedModel("This TorchScript file has no forward method, so there is nothing to run.")
    wanted = [a for a in module.forward.schema.arguments[1:] if not a.has_default_value()]
    if len(wanted) != 1:
        shown = ", ".join(argument.name[:40] for argument in wanted)
        raise UnsupportedModel(
            f"The model takes {len(wanted)} inputs ({shown}); a classifier that takes one picture is needed."
        )
    if "List[Tensor]" in str(wanted[0].type):
        raise TryAsDetector(DETECTOR)


def _answers(module: Any, spec: InputSpec, inputs: Floats) -> Floats:
    return in_batches(lambda part: ask(module, part), spec.batch, inputs)


def _selected(path: str, steps: Steps, spec: InputSpec) -> Any:
    """Return a file's module that gives the output at the end of `steps`, in its own graph if that can be changed."""
    module = opened(path)  # a graph can be changed only before its first run
    if not steps:
        return module
    try:
        _keep_output(module, steps)
        twin = opened(path)
        _keep_output(twin, steps)
        inputs = noise(spec, spec.batch or 1)
        same = agree([ask(twin, inputs)], [ask(Chosen(opened(path), steps), inputs)], CLOSE)
    except (RuntimeError, LookupError, ModelError):
        same = False
    return module if same else Chosen(opened(path), steps)


def _keep_output(module: Any, steps: Steps) -> None:
    """Have a ScriptModule return one tensor of its output, in place; LookupError if its graph is built otherwise."""
    graph = _inlined(module)
    value = next(graph.outputs())
    for step in steps:
        parts = list(value.node().inputs())
        if value.node().kind() == "prim::DictConstruct":
            value = parts[1::2][[key.toIValue() for key in parts[::2]].index(step)]
        elif value.node().kind() in ("prim::TupleConstruct", "prim::ListConstruct"):
            value = parts[int(step)]
        else:
            raise LookupError(value.node().kind())
    graph.eraseOutput(0)
    graph.registerOutput(value)
    torch._C._jit_pass_dce(graph)


def _without_end(
    module: Any, spec: InputSpec, inputs: list[Floats], expected: list[Floats]
) -> tuple[Any, Head | None, list[Floats]]:
    """Return the module without its final softmax or sigmoid, the kind of that head, and the answers without it.

    module: one that has not run yet. The result is None if there is no such end, or if the rest fails to reproduce the
    outputs.
    """
    if isinstance(module, Chosen):
        return None, None, []
    end = cut_end(module)
    if end is None:
        return None, None, []
    head = ENDS[end]
    answers = [_answers(module, spec, batch) for batch in inputs]
    whole = [squashed(logits, head) for logits in answers]
    probabilities = [torch.from_numpy(e).exp().numpy() for e in expected] if end == "aten::log_softmax" else expected
    if agree(whole, probabilities, CLOSE):
        return module, head, answers
    return None, head if end != "aten::log_softmax" else None, []


def cut_end(module: Any) -> str | None:
    """Remove the last function of a ScriptModule that has not run yet, if it is a known end; return its name."""
    graph = _inlined(module)
    last = next(graph.outputs()).node()
    if last.kind() not in ENDS:
        return None
    graph.eraseOutput(0)
    graph.registerOutput(next(last.inputs()))
    return str(last.kind())


def _inlined(module: Any) -> Any:
    graph = module._c._get_method("forward").graph
    torch._C._jit_pass_inline(graph)
    torch._C._jit_pass_constant_propagation(graph)
    torch._C._jit_pass_dce(graph)
    return graph
