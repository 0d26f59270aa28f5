"""How a worker is started: its setup, its command line and its environment."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Self

from xai_core.jobs.limits import Limits

# By default, threads spin while they wait for each other, which slows two workers on the same cores down five times.
_THREADS_SLEEP = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
_CHOOSE_KERNELS = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
ALLOW_CODE = "VITRINE_ALLOW_CODE"
_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", *_CHOOSE_KERNELS, "TZ")


def chosen_kernels() -> dict[str, str]:
    """Return the variables, as they are set now, that choose a worker's CPU kernels and so the last digits."""
    return {name: os.environ[name] for name in _CHOOSE_KERNELS if name in os.environ}


@dataclass(frozen=True)
class WorkerSetup:
    """What a worker needs to know before it may read anything.

    adapters: name of the module that opens models. framework: the one it imports, or "none" for inspecting the file
    only. model: path of the only file it may read. scratch: the only folder it may write. threads: how many the user
    already runs. extra_path: folders put before Python's own module path. code: path of the code that defines the
    model, which it may read too; "" for none. runs_code: whether it may run that.
    """

    adapters: str
    framework: str
    model: str
    scratch: str
    threads: int
    limits: Limits
    extra_path: tuple[str, ...] = ()
    code: str = ""
    runs_code: bool = False

    def to_text(self) -> str:
        """Return the setup as a command-line argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        values = json.loads(text)
        values |= {"limits": Limits(**values["limits"]), "extra_path": tuple(values["extra_path"])}
        return cls(**values)

    def command(self, requests: int, results: int) -> list[str]:
        """Return the worker's command line; the pipes are passed by their file descriptors."""
        return [sys.executable, "-I", "-B", "-m", "xai_core.jobs.worker", str(requests), str(results), self.to_text()]

    def environment(self) -> dict[str, str]:
        """Return a clean environment with nothing but our own flags and a few of the machine's."""
        passed = {k: v for k, v in os.environ.items() if k.startswith("VITRINE_") or k in _PASSED_ON}
        home = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), self.scratch)
        plain = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "vitrine"}
        return {**plain, **_THREADS_SLEEP, **home, **passed, ALLOW_CODE: str(int(self.runs_code))}

    def readable(self) -> list[str]:
        """Return what the worker must read besides the runtime: the adapters' code, the model and its code."""
        spec = importlib.util.find_spec(self.adapters)
        code = list(spec.submodule_search_locations or ()) if spec else []
        return [self.model, *filter(None, [self.code]), *code, *self.extra_path]
