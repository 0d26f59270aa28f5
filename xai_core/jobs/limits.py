"""What one model may use of the machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class MemoryLimit:
    """Of one process.

    data_mb: private writable memory, beyond which the kernel gives none. resident_mb: memory in use, all kinds taken
    together, at which the process is killed.
    """

    data_mb: int
    resident_mb: int

    @property
    def smaller_mb(self) -> int:
        return min(self.data_mb, self.resident_mb)


# TensorFlow reserves more than it uses; the others use what they reserve, and shared mappings beside it.
MEMORY = {
    "none": MemoryLimit(1000, 1000),
    "pytorch": MemoryLimit(3500, 4000),
    "tensorflow": MemoryLimit(6000, 5000),
    "onnx": MemoryLimit(3500, 4000),
}


@dataclass(frozen=True)
class Limits:
    """Limits of one worker.

    memory_mb: overrules the limit of each framework. start_seconds: for the framework's import. open_seconds: for
    reading the file. step_seconds: the longest silence while it computes. file_mb: one file that it writes.
    scratch_mb: all of them. ledgers_mb: the part of them that remembers earlier runs. files: open files.
    threads: threads beyond those that the user runs already.
    """

    memory_mb: int | None = None
    start_seconds: float = 120
    open_seconds: float = 60
    step_seconds: float = 20
    file_mb: int = 2048
    scratch_mb: int = 4096
    ledgers_mb: int = 1024
    files: int = 256
    threads: int = 200

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read VITRINE_MEMORY_MB, VITRINE_OPEN_SECONDS and VITRINE_STEP_SECONDS.

        A value that is no number above zero is a ValueError.
        """
        found: dict[str, Any] = {}
        for name in ("memory_mb", "open_seconds", "step_seconds"):
            if text := environment.get(variable := f"VITRINE_{name.upper()}"):
                value = _above_zero(variable, text)
                found[name] = int(value) if name == "memory_mb" else value
        return cls(**found)

    def memory(self, framework: str) -> MemoryLimit:
        """Return the memory limit of a worker that runs `framework`, or "none"."""
        usual = MEMORY[framework]
        if self.memory_mb is None or framework == "none":
            return usual
        factor = self.memory_mb / usual.smaller_mb
        return MemoryLimit(round(usual.data_mb * factor), round(usual.resident_mb * factor))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `Limits(**values)` takes them back."""
        return asdict(self)


def _above_zero(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a number above zero; got {text!r}.")
    return value
