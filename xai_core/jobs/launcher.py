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

CODE_NEEDS_SANDBOX = (
    "This machine's kernel offers no sandbox, so code that defines a model does not run here. Export the model as "
    "ONNX, or open weights of a known architecture."
)
WITHOUT_SANDBOX = ("torch-weights", "safetensors", "torch-hub", "onnx", "onnx-zip", "keras", "tflite", "frozen-graph")


@dataclass(frozen=True)
class Launcher:
    """What all processes of a runner share."""

    adapters: str
    limits: Limits
    extra_path: tuple[str, ...] = ()
    unsandboxed: bool = False
    runs_code: bool = False

    def start(self, framework: str, model: str, code: str = "") -> SandboxedProcess:
        """Start a process that may read a model, and code beside it, and watch it. JobError if the disk is too full."""
        limits = self.limits.on_disk(free_bytes(gettempdir()) / (1 << 20))
        process = SandboxedProcess(self.adapters, framework, model, limits, self.extra_path, code, self.runs_code)
        process.allow(self.limits.start_seconds)
        watch(process)
        return process

    def check(self, kind: FileKind, state: SandboxState, with_code: bool = False) -> None:
        """Raise RefusedModel if a file of this kind, or code, needs a sandbox that this machine does not have."""
        if state.complete or self.unsandboxed:
            return
        if with_code:
            raise RefusedModel(CODE_NEEDS_SANDBOX)
        if kind.format not in WITHOUT_SANDBOX:
            raise RefusedModel(
                f"This machine's kernel offers no sandbox, and {kind.format} files can run code when opened. "
                "Use a state dict, safetensors, ONNX or .keras file."
            )
