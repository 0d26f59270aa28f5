"""ONNX models through ONNX Runtime; gradients through an equal PyTorch graph where one can be made."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnx2torch
import onnxslim
import torch

from model_adapters import onnx_graph
from model_adapters.archives import unpack
from model_adapters.onnx_session import Scores, Wiring, as_tensor, find_wiring, open_session
from model_adapters.probes import agree, are_probabilities, in_batches, squash, trials
from xai_core.errors import RefusedModel
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, FileKind, Floats, Head, Indices, ModelSource, Network, Score

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
ADVICE = "Upload the PyTorch or Keras file, or choose a method that needs predictions only."
TOLERANCE = 1e-3


class OnnxNetwork(Network):
    """An ONNX graph; `twin` is the same graph in PyTorch, or None where there is none."""

    def __init__(self, card: Card, scores: Scores, twin: Any) -> None:
        self.card = card
        self._scores = scores
        self._twin = twin

    def forward(self, inputs: Floats) -> Floats:
        return self._scores(inputs)

    def backward(self, inputs: Floats, targets: Indices, score: Score) -> Floats:
        if self._twin is None:
            return super().backward(inputs, targets, score)
        head = self.card.head if score == "probability" and self.card.gives == "logit" else None

        def one_batch(part: Floats, wanted: Indices) -> Floats:
            return _gradient(self._twin, self._scores.wiring, part, wanted, head)

        return in_batches(one_batch, self.card.input.batch, inputs, targets)


def load(source: ModelSource, kind: FileKind, scratch: str) -> OnnxNetwork:
    """Open an ONNX file, or a zip of one with its weights beside it, which is unpacked into `scratch`."""
    path = source.path if kind.format == "onnx" else _unpacked(source.path, scratch)
    folder = None if kind.format == "onnx" else os.path.dirname(path)
    model = onnx_graph.read(path)
    onnx_graph.check_outside_data(model, folder)
    onnx_graph.check_operators(model)
    onnx_graph.check_sizes(model)
    found = onnx_graph.image_input(model)
    session = open_session(path)
    scores = Scores(session, find_wiring(session, found))
    return _network(model, scores, folder, kind)


def _network(model: Any, whole: Scores, folder: str | None, kind: FileKind) -> OnnxNetwork:
    wiring = whole.wiring
    inputs = trials(wiring.spec, wiring.side)
    expected = [whole(i) for i in inputs]
    cut, head = _without_head(model, whole, folder, inputs, expected)
    scores, outputs = (whole, expected) if cut is None else (cut, [cut(i) for i in inputs])
    twin, reason = _twin_or_reason(model, wiring, folder, inputs, outputs)
    classes = expected[0].shape[1]
    card = Card(
        framework="onnx",
        format=kind.format,
        classes=classes,
        input=wiring.spec,
        capabilities=Capability.PREDICT | (Capability.GRADIENT if twin is not None else Capability(0)),
        gives="probability" if cut is None and are_probabilities(expected) else "logit",
        head=head or ("sigmoid" if classes == 1 else "softmax"),
        missing={} if twin is not None else {"GRADIENT": reason},
        hint=_hint(wiring),
        hint_reason="The model's input takes whole numbers from 0 to 255." if wiring.dtype == "uint8" else "",
        labels=onnx_graph.labels(model, classes),
        notes=_notes(model, wiring),
    )
    return OnnxNetwork(card, scores, twin)


def _unpacked(path: str, scratch: str) -> str:
    folder = os.path.join(scratch, "onnx")
    unpack(path, folder)
    found = [os.path.join(at, n) for at, _, names in os.walk(folder) for n in names if n.lower().endswith(".onnx")]
    if len(found) != 1:
        raise RefusedModel(f"The archive holds {len(found)} ONNX files; expected one, with its weights beside it.")
    return found[0]


def _without_head(
    model: Any, whole: Scores, folder: str | None, inputs: list[Floats], expected: list[Floats]
) -> tuple[Scores | None, Head | None]:
    """Cut a final softmax or sigmoid off `model`, in place; keep it where the rest does not add up to the whole."""
    original = onnx.ModelProto()
    original.CopyFrom(model)
    head = onnx_graph.cut_head(model, whole.wiring.output)
    if head is None:
        return None, None
    cut = Scores(open_session(_placed(model, folder)), whole.wiring)
    if agree([squash(cut(i), head) for i in inputs], expected, 1e-4):
        return cut, head
    model.CopyFrom(original)
    return None, None


def _placed(model: Any, folder: str | None) -> str | bytes:
    """Return what a session opens a changed graph from: its bytes, or a file beside its weights."""
    if folder is None:
        return bytes(model.SerializeToString())
    path = os.path.join(folder, "without_head.onnx")
    onnx.save_model(model, path)
    return path


def _twin_or_reason(
    model: Any, wiring: Wiring, folder: str | None, inputs: list[Floats], outputs: list[Floats]
) -> tuple[Any, str]:
    """Return the graph in PyTorch and "", or None and the sentence why there is none."""
    if not all(np.isfinite(o).all() for o in outputs):
        return None, "This ONNX model returns values that are not numbers, so it has no gradient."
    try:
        twin = _twin(model, wiring, folder)
        answers = [in_batches(lambda i: _ask(twin, wiring, i), wiring.spec.batch, i) for i in inputs]
        first = inputs[0][: wiring.spec.batch]
        _gradient(twin, wiring, first, np.zeros(len(first), np.int64), None)
    except Exception as error:
        operator = re.search(r"operation_type='(\w+)'", str(error))
        what = f"the operator {operator[1]}" if operator else "this graph"
        return None, f"This ONNX model gives predictions only, as no gradient is known for {what}. {ADVICE}"
    if not agree(answers, outputs, TOLERANCE):
        return None, f"This ONNX model gives predictions only, as its differentiable copy differs from it. {ADVICE}"
    return twin, ""


def _twin(model: Any, wiring: Wiring, folder: str | None) -> Any:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if folder is not None:
        onnx.load_external_data_for_model(copy, folder)
    for output in [o for o in copy.graph.output if o.name != wiring.output]:
        copy.graph.output.remove(output)
    # onnx2torch misses the newest operator versions; a simplified graph needs fewer of them.
    return onnx2torch.convert(onnxslim.slim(copy)).eval().float().requires_grad_(False).to(DEVICE)


def _tensor(inputs: Floats, wiring: Wiring) -> Any:
    return torch.from_numpy(as_tensor(inputs, wiring).astype(np.float32)).to(DEVICE)


def _answer(twin: Any, values: Any) -> Any:
    with warnings.catch_warnings(action="ignore"):  # onnx2torch indexes in a way that PyTorch warns of
        return twin(values).flatten(1)


def _ask(twin: Any, wiring: Wiring, inputs: Floats) -> Floats:
    with torch.inference_mode():
        return np.asarray(_answer(twin, _tensor(inputs, wiring)).cpu().numpy(), np.float32)


def _gradient(twin: Any, wiring: Wiring, inputs: Floats, targets: Indices, head: Head | None) -> Floats:
    values = _tensor(inputs, wiring).requires_grad_()
    scores = _answer(twin, values)
    if head is not None:
        scores = scores.softmax(1) if head == "softmax" else scores.sigmoid()
    chosen = scores.gather(1, torch.from_numpy(np.asarray(targets, np.int64)).to(DEVICE)[:, None])
    (found,) = torch.autograd.grad(chosen.sum(), values)
    found = found.permute(0, 2, 3, 1) if wiring.spec.layout == "NCHW" else found
    return np.ascontiguousarray(found.cpu().numpy(), np.float32)


def _hint(wiring: Wiring) -> Preprocessing | None:
    if wiring.dtype != "uint8":
        return None
    spec = wiring.spec
    hint = Preprocessing(spec.height or wiring.side, spec.width or wiring.side, scale=255.0)
    return replace(hint, channels="gray") if spec.channels == 1 else hint


def _notes(model: Any, wiring: Wiring) -> tuple[str, ...]:
    if len(model.graph.output) == 1:
        return ()
    return (f"The model has {len(model.graph.output)} outputs; {wiring.output[:40]!r} is explained.",)
