"""Open segmentation networks from PyTorch files: torchvision's weights, TorchScript, hub folders, trusted pickles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.probes import noise, trials
from model_adapters.common.segmentation import agree_with_head, check_scores, head_of, segmenter_card
from model_adapters.pytorch import files, script
from model_adapters.pytorch.checkpoint.reading import Checkpoint
from model_adapters.pytorch.files import Tensors
from model_adapters.pytorch.finding.flat import flat_tensors
from model_adapters.pytorch.formats import Formats
from model_adapters.pytorch.hugging_face import open as hugging_face
from model_adapters.pytorch.network import frozen
from model_adapters.pytorch.probes import find_input
from model_adapters.pytorch.program import program_of, with_steps
from model_adapters.pytorch.segmentation import known
from model_adapters.pytorch.segmentation.maps import Maps, in_region
from model_adapters.pytorch.segmentation.network import SIDE, TorchSegmenter, maps_on, opened
from xai_core.errors import UnsupportedModel
from xai_core.types import FileKind, Floats, Head, InputSpec, ModelSource

CLOSE = 1e-4
Find = Callable[[Any], InputSpec]


def load(source: ModelSource, kind: FileKind, scratch: str) -> TorchSegmenter:
    """Open a PyTorch file; RefusedModel or UnsupportedModel if it is unsafe, damaged or labels no pixels."""
    return FORMATS.load(source, kind, scratch)


def probed(module: Any, kind: FileKind, reading: str = "", expected_input: InputSpec | None = None) -> TorchSegmenter:
    """Return the network around a module that came with its code. expected_input: its input, if known."""
    maps = _chosen(reading)
    return _around(frozen(module), kind, maps, lambda whole: _free_input(in_region(whole, maps), expected_input))


def _from_checkpoint(checkpoint: Checkpoint, source: ModelSource, kind: FileKind) -> TorchSegmenter:
    network = _from_weights(checkpoint.content, source, replace(kind, notes=(*kind.notes, *checkpoint.notes)))
    network.card = checkpoint.named(network.card)
    return network


def _from_weights(content: Any, source: ModelSource, kind: FileKind) -> TorchSegmenter:
    tensors: Tensors = flat_tensors(content)
    if not tensors:
        raise UnsupportedModel(files.NO_WEIGHTS)
    name, module = known.recognised(tensors, source.architecture)
    spec, module = InputSpec(None, None), frozen(module)
    maps = maps_on(module, spec, noise(spec, 1, SIDE), Maps())
    card = replace(
        segmenter_card("pytorch", kind, spec, [maps], None, "logit", OutputChoice.from_text(source.reading).scoring),
        architecture=f"torchvision/{name}",
        hint=known.LOOK,
        hint_reason=known.REASON.format(name),
    )
    return opened(module, card, Maps(channels=maps.shape[-1]), channels_last=True)


def _from_script(source: ModelSource, kind: FileKind) -> TorchSegmenter:
    path, maps = source.path, _chosen(source.reading)
    whole = script.opened(path)
    script.check_signature(whole)
    spec = _free_input(in_region(whole, maps))
    inputs = trials(spec)
    expected = [maps_on(whole, spec, batch, maps) for batch in inputs]
    check_scores(expected)
    cut, head, logits = _without_end(script.opened(path), spec, inputs, expected, maps)
    if cut is None:
        return _of_trials(script.opened(path), spec, expected, kind, maps)
    return _followed(cut, spec, inputs, logits, kind, head, maps)


def _from_export(source: ModelSource, kind: FileKind) -> TorchSegmenter:
    module, shape = files.read_exported(source.path)
    maps = _chosen(source.reading)
    return _around(frozen(with_steps(module)), kind, maps, lambda whole: script.exported_input(shape))


def _from_module(module: Any, source: ModelSource, kind: FileKind) -> TorchSegmenter:
    return probed(module, kind, source.reading)


def _around(whole: Any, kind: FileKind, maps: Maps, find: Find) -> TorchSegmenter:
    spec = find(whole)
    inputs = trials(spec)
    return _of_trials(whole, spec, [maps_on(whole, spec, batch, maps) for batch in inputs], kind, maps)


def _of_trials(whole: Any, spec: InputSpec, expected: list[Floats], kind: FileKind, maps: Maps) -> TorchSegmenter:
    check_scores(expected)
    head = head_of(expected)
    return _followed(
        whole, spec, trials(spec), expected, kind, head, replace(maps, gives="probability" if head else "logit")
    )


def _followed(
    whole: Any,
    spec: InputSpec,
    inputs: list[Floats],
    expected: list[Floats],
    kind: FileKind,
    head: Head | None,
    maps: Maps,
) -> TorchSegmenter:
    """Return the network, with accessible layers if a module can be made of its graph."""
    maps = replace(maps, channels=expected[0].shape[-1])
    card = segmenter_card("pytorch", kind, spec, expected, head, maps.gives, maps.scoring)
    if isinstance(whole, torch.jit.ScriptModule):
        whole = _program(whole, spec, inputs, expected, maps)
    return opened(whole, card, maps)


def _program(whole: Any, spec: InputSpec, inputs: list[Floats], expected: list[Floats], maps: Maps) -> Any:
    """Return a ScriptModule's graph as a module of steps, or the ScriptModule if that gives other maps."""
    try:
        program = frozen(program_of(whole))
        ours = [maps_on(program, spec, batch, maps) for batch in inputs]
    except Exception:  # TorchScript allows almost anything; the graph itself still runs
        return whole
    pairs = zip(ours, expected, strict=True)
    alike = all(np.allclose(a, b, rtol=0, atol=CLOSE * max(1, float(np.abs(b).max()))) for a, b in pairs)
    return program if alike else whole


def _without_end(
    module: Any, spec: InputSpec, inputs: list[Floats], expected: list[Floats], maps: Maps
) -> tuple[Any, Head | None, list[Floats]]:
    """Return a module that has not run yet without its final softmax or sigmoid, that head, and the maps without it."""
    end = script.cut_end(module)
    if end is None:
        return None, None, []
    head = script.ENDS[end]
    logits = [maps_on(module, spec, batch, maps) for batch in inputs]
    probabilities = [np.exp(each) for each in expected] if end == "aten::log_softmax" else expected
    return (module, head, logits) if agree_with_head(logits, probabilities, head) else (None, None, [])


def _free_input(module: Any, expected_input: InputSpec | None = None) -> InputSpec:
    spec, notes = find_input(module, expected_input)
    return replace(spec, height=None, width=None) if notes else spec  # a guessed side says nothing of such networks


def _chosen(reading: str) -> Maps:
    choice = OutputChoice.from_text(reading)
    return Maps(output=choice.output, scoring=choice.scoring)


FORMATS: Formats[TorchSegmenter] = Formats(
    _from_weights, _from_checkpoint, hugging_face.load_segmenter, _from_script, _from_export, _from_module
)
