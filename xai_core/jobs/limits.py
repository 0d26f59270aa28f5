"""How much of the machine one model may use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from xai_core.errors import JobError


@dataclass(frozen=True)
class MemoryLimit:
    """The memory that one process may use.

    data_mb: private writable memory; the kernel gives no more. resident_mb: memory of all kinds in use; a process that
    exceeds it is killed.
    """

    data_mb: int
    resident_mb: int

    @property
    def smaller_mb(self) -> int:
        return min(self.data_mb, self.resident_mb)


# TensorFlow reserves more than it uses; the others use what they reserve, and shared mappings on top.
MEMORY = {
    "none": MemoryLimit(2000, 2000),
    "pytorch": MemoryLimit(3500, 4000),
    "tensorflow": MemoryLimit(6000, 5000),
    "tf_keras": MemoryLimit(6000, 5000),
    "onnx": MemoryLimit(3500, 4000),
    "openvino": MemoryLimit(3500, 4000),
}


_SHARE_OF_DISK = 4  # a worker may fill a quarter of the free space, so that several leave some
_LEAST_MB = 64


@dataclass(frozen=True)
class Limits:
    """Limits of one worker.

    memory_mb: overrides the limit of each framework. start_seconds: for importing the framework. open_seconds: for
    reading the file. step_seconds: the longest silence while it computes. file_mb: size of one file that it writes.
    scratch_mb: size of all of them. ledgers_mb: the part of these that remembers earlier runs. files: open files.
    threads: its own threads.
    """

    memory_mb: int | None = None
    start_seconds: float = 120
    open_seconds: float = 60
    step_seconds: float = 20
    file_mb: int = 2048
    scratch_mb: int = 4096
    ledgers_mb: int = 1024
    files: int = 256
    threads: int = 200 + 8 * (os.cpu_count() or 1)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read VITRINE_MEMORY_MB, VITRINE_OPEN_SECONDS and VITRINE_STEP_SECONDS.

        Raises ValueError for a value that is not a number above zero.
        """
        limits: dict[str, Any] = {}
        for name in ("memory_mb", "open_seconds", "step_seconds"):
            if text := environment.get(variable := f"VITRINE_{name.upper()}"):
                value = _above_zero(variable, text)
                limits[name] = int(value) if name == "memory_mb" else value
        return cls(**limits)

    def memory(self, framework: str) -> MemoryLimit:
        """Return the memory limit of a worker that runs `framework`, or "none"."""
        usual = MEMORY[framework]
        if self.memory_mb is None or framework == "none":
            return usual
        factor = self.memory_mb / usual.smaller_mb
        return MemoryLimit(round(usual.data_mb * factor), round(usual.resident_mb * factor))

    def on_disk(self, free_mb: float) -> Self:
        """Return the limits for a disk with this much free space. Raises JobError if it is nearly full."""
        if free_mb < _LEAST_MB:
            raise JobError(
                f"The disk for temporary files is full: {free_mb:.0f} MB are free, and at least {_LEAST_MB} MB are "
                "needed. Make room on it, or set TMPDIR to a folder on a different disk."
            )
        scratch = min(self.scratch_mb, int(free_mb) // _SHARE_OF_DISK)
        ledgers = min(self.ledgers_mb, scratch // _SHARE_OF_DISK)
        return replace(self, scratch_mb=scratch, file_mb=min(self.file_mb, scratch), ledgers_mb=ledgers)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `Limits(**values)` reads them back."""
        return asdict(self)


def _above_zero(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a number above zero; got {text!r}.")
    return value
