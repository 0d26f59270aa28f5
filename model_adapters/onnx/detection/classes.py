"""Count the classes of a detector's graph whose outputs name only the best class of each box."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import onnx

from model_adapters.onnx.files import OnnxFile, placed
from model_adapters.onnx.session import Wiring, open_session, run_all
from xai_core.errors import is_of_memory
from xai_core.types import Floats

SQUASHING = ("Softmax", "Sigmoid")


def class_count(file: OnnxFile, wiring: Wiring, scores: str, inputs: Floats) -> int | None:
    """Return how many scores of each box the output `scores` is taken from, the background's too; None if unknown.

    It runs the graph once up to the softmax or sigmoid nearest before `scores`.
    """
    names = _nearest(file.model, scores)
    if not names:
        return None
    part = onnx.ModelProto()
    part.CopyFrom(file.model)
    del part.graph.output[:]
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    try:
        session = open_session(placed(part, file.folder, "class_scores.onnx"))
        outputs = run_all(session, wiring, inputs)
    except Exception as error:
        if is_of_memory(error):
            raise
        return None
    return max((value.shape[-1] for value in outputs.values() if value.ndim > 1), default=None)


def _nearest(model: Any, output: str) -> list[str]:
    """Return the outputs of the softmaxes or sigmoids that are the fewest steps before `output`."""
    makers = {name: node for node in model.graph.node for name in node.output}
    seen: set[str] = set()
    names = [output]
    while names:
        nodes = [makers[name] for name in names if name in makers]
        if squashed := [node.output[0] for node in nodes if node.op_type in SQUASHING]:
            return squashed
        seen.update(names)
        names = _unseen((name for node in nodes for name in node.input), seen)
    return []


def _unseen(names: Iterable[str], seen: set[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in seen]
