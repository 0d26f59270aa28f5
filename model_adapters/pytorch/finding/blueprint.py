"""What is needed to build a network whose weights were found in a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xai_core.preprocessing import Preprocessing
from xai_core.types import Head


@dataclass(frozen=True)
class Blueprint:
    """A network to build, and where its weights lie.

    prefix: what stands before its tensors' names in the file. build: makes the module. names: of the tensors in the
    file, by those of the module. head: turns its outputs into probabilities. look: the preprocessing it probably needs,
    for this reason. look_known: whether that is more than a guess. fixed_size: whether it takes pictures of that size
    only. notes: what is assumed. choices: other networks for the same file, each as a source's `architecture`.
    """

    name: str
    prefix: str
    build: Callable[[], Any]
    names: Mapping[str, str]
    classes: int
    channels: int
    look: Preprocessing
    reason: str
    fixed_size: bool
    look_known: bool = False
    head: Head = "softmax"
    notes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
