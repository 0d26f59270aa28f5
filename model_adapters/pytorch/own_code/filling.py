"""Put the weights of a file into a network that code built: every tensor fits, or a sentence says which do not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from model_adapters.pytorch.architecture_index import Shapes
from model_adapters.pytorch.files import Tensors
from model_adapters.pytorch.finding.names import Names
from xai_core.errors import UnsupportedModel

BESIDE = re.compile(r"(^|\.)(\w*loss\w*|criterion\w*|\w*metrics?|\w*accuracy\w*|pos_weight|class_weights?)(\.|$)")
COUNTER = "num_batches_tracked"  # which files of old versions lack, and no answer depends on
MOST_NAMED = 3


def fill(module: Any, tensors: Tensors, built: str) -> tuple[str, ...]:
    """Load the tensors strictly; return notes about what the file holds beside. UnsupportedModel if they do not fit.

    built: what the code built, such as "Net(num_classes=7)", for sentences.
    """
    state = module.state_dict()
    wanted = {name: _shape(tensor) for name, tensor in state.items() if isinstance(tensor, torch.Tensor)}
    if not wanted:
        raise UnsupportedModel(f"{built} has no weights. Choose the class or function that builds the whole network.")
    names = Names({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    prefix = _prefix(names, wanted)
    under = names.under(prefix)
    _check(under, wanted, built)
    own = {name: tensors[prefix + name] for name in wanted if name in under}
    counters = {name: tensor for name, tensor in state.items() if name not in own and _is_counter(name)}
    module.load_state_dict({**counters, **own}, strict=True)
    return _notes(names, prefix, own)


def _shape(tensor: Any) -> tuple[int, ...] | None:
    """Return a tensor's shape, None for one that takes that of its file, as lazy layers do."""
    return None if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin) else tuple(tensor.shape)


def _prefix(names: Names, wanted: Mapping[str, Any]) -> str:
    """Return the prefix behind which most of the wanted tensors lie with their shapes."""

    def held(prefix: str) -> tuple[int, int]:
        under = names.under(prefix)
        fitting = sum(under.get(name) == shape for name, shape in wanted.items())
        return fitting, len(under.keys() & wanted.keys())

    return max(["", *names.prefixes(set(wanted))], key=held)


def _check(under: Shapes, wanted: Mapping[str, tuple[int, ...] | None], built: str) -> None:
    missing = [name for name in wanted if name not in under and not _is_counter(name)]
    left = [name for name in under if name not in wanted and not _is_counter(name) and not BESIDE.search(name)]
    other = [
        f"{n} is {_x(under[n])} in the file and {_x(s)} in the code" for n, s in wanted.items() if _differs(under, n, s)
    ]
    if not (missing or left or other):
        return
    parts = [
        _counted(len(missing), "of its {0} tensors {1} missing from the file", missing, len(wanted)),
        _counted(len(left), "tensor{0} of the file {1} unused", left, "" if len(left) == 1 else "s"),
        _counted(len(other), "with a different shape", other),
    ]
    raise UnsupportedModel(
        f"The weights do not fit {built}: {'; '.join(filter(None, parts))}. Choose the class and the arguments that "
        "they were trained with."
    )


def _is_counter(name: str) -> bool:
    return name.endswith(COUNTER)


def _differs(under: Shapes, name: str, shape: tuple[int, ...] | None) -> bool:
    return name in under and shape is not None and under[name] != shape


def _counted(count: int, sentence: str, names: list[str], of: object = "") -> str:
    if not count:
        return ""
    more = f" and {count - MOST_NAMED} more" if count > MOST_NAMED else ""
    shown = ", ".join(name[:120] for name in names[:MOST_NAMED])
    return f"{count} {sentence.format(of, 'is' if count == 1 else 'are')} ({shown}{more})"


def _x(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape or ())) or "a number"


def _notes(names: Names, prefix: str, own: Mapping[str, Any]) -> tuple[str, ...]:
    beside = [name for name in names.shapes if not (name.startswith(prefix) and name[len(prefix) :] in own)]
    beside = [name for name in beside if not _is_counter(name)]
    if not beside:
        return ()
    words = _counted(
        len(beside), "tensor{0} of the file {1} not part of the network", beside, "" if len(beside) == 1 else "s"
    )
    return (f"{words}.",)
