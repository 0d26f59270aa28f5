"""How a model's process is started, and which files it may open."""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import gettempdir

from xai_core.errors import RefusedModel
from xai_core.jobs.folders import free_bytes
from xai_core.jobs.limits import Limits
from xai_core.jobs.process import SandboxedProcess
from xai_core.jobs.sandbox import SandboxState
from xai_core.jobs.watchdog import watch
from xai_core.types import FileKind

WITHOUT_SANDBOX = ("torch-weights", "safetensors", "torch-hub", "onnx", "onnx-zip", "keras", "tflite", "frozen-graph")


@dataclass(frozen=True)
class Launcher:
    """What all processes of a runner share."""

    adapters: str
    limits: Limits
    extra_path: tuple[str, ...] = ()
    unsandboxed: bool = False

    def start(self, framework: str, model: str) -> SandboxedProcess:
        """Start a process and watch it. Raises JobError if the disk is too full."""
        limits = self.limits.on_disk(free_bytes(gettempdir()) / (1 << 20))
        process = SandboxedProcess(self.adapters, framework, model, limits, self.extra_path)
        process.allow(self.limits.start_seconds)
        watch(process)
        return process

    def check(self, kind: FileKind, state: SandboxState) -> None:
        """Raise RefusedModel if a file of this kind needs a sandbox that this machine does not have."""
        if not (state.complete or self.unsandboxed or kind.format in WITHOUT_SANDBOX):
            raise RefusedModel(
                f"This machine's kernel offers no sandbox, and {kind.format} files can run code when opened. "
                "Use a state dict, safetensors, ONNX or .keras file."
            )
