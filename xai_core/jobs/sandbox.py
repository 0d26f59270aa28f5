"""What a worker gives up before it opens a model's file, in the order in which it has to happen.

1. `close_files`, before anything starts a thread, because Landlock binds only threads that start later.
2. The imports.
3. `close_the_rest`: limits, no core dumps, system calls.
"""

from __future__ import annotations

import glob
import os
import resource
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from xai_core.jobs import kernel, landlock, seccomp
from xai_core.jobs.limits import Limits

_OF_ITSELF = ("cgroup", "cmdline", "cpuset", "environ", "maps", "stat", "statm", "status")
_READABLE = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime",
    "/etc/mime.types", "/dev/urandom", "/dev/random", "/dev/zero", *(f"/proc/self/{name}" for name in _OF_ITSELF),
    "/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm/nr_hugepages", "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/osrelease", "/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm",
)  # fmt: skip
# What drivers read has not been recorded, so it is more than they need.
_READABLE_WITH_GPU = (
    "/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/proc/self", "/proc/stat", "/proc/version",
    "/proc/filesystems", "/proc/sys/vm", "/proc/sys/kernel", "/sys/bus/pci", "/sys/devices", "/sys/class",
)  # fmt: skip
# The kernel's limit on threads counts those of all the user's processes, which start more: other workers, parsers, the
# app. With too few, a worker could not even start the thread that gives signs of life. The watchdog counts its own.
_LATER_THREADS = 1000
_DEVICES = ("/dev/null", "/dev/nvidia*", "/dev/dri", "/dev/nvidia-caps")


@dataclass(frozen=True)
class SandboxState:
    """What confines a worker: the version of Landlock (0 for none), and whether system calls are filtered."""

    landlock: int
    seccomp: bool

    @property
    def complete(self) -> bool:
        """Whether formats that can run code of their own may be opened."""
        return self.landlock > 0 and self.seccomp

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `SandboxState(**values)` reads them back."""
        return asdict(self)


def sandbox_in_force() -> SandboxState:
    """Return what this machine's kernel offers a worker; changes nothing."""
    return SandboxState(landlock.version(), seccomp.available())


def close_files(read: Iterable[str], scratch: str) -> int:
    """Leave this process the runtime and `read` to read, `scratch` to write; return the version of Landlock, or 0.

    Root's powers go too, as they are each thread's own and no thread may start with them.
    """
    kernel.drop_capabilities()
    devices = [path for pattern in _DEVICES for path in glob.glob(pattern)]
    with_gpu = _READABLE_WITH_GPU if glob.glob("/dev/nvidia*") else ()
    return landlock.close_files([*_runtime(), *with_gpu, *read], [scratch], devices)


def close_the_rest(limits: Limits, framework: str, threads: int) -> bool:
    """Set limits, forbid dumps and close system calls; return whether the calls are filtered.

    threads: how many the user already runs.
    """
    _limit(resource.RLIMIT_DATA, limits.memory(framework).data_mb << 20)
    _limit(resource.RLIMIT_FSIZE, limits.file_mb << 20)
    _limit(resource.RLIMIT_NOFILE, limits.files)
    _limit(resource.RLIMIT_NPROC, threads + limits.threads + _LATER_THREADS)
    _limit(resource.RLIMIT_CORE, 0)
    kernel.not_dumpable()
    return seccomp.close_calls()


def threads_of_user() -> int:
    """Return how many threads this user runs, because the kernel's limit counts them all."""
    return sum(_threads(entry.path) for entry in os.scandir("/proc") if entry.name.isdigit())


def _threads(process: str) -> int:
    try:
        if os.stat(process).st_uid != os.getuid():
            return 0
        return len(os.listdir(f"{process}/task"))
    except OSError:  # it ended meanwhile
        return 0


def _runtime() -> list[str]:
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = os.path.dirname(os.path.realpath(sys.executable))
    return [sys.prefix, sys.base_prefix, program, here, *_READABLE]


def _limit(which: int, value: int) -> None:
    ceiling = resource.getrlimit(which)[1]
    value = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
    resource.setrlimit(which, (value, value))
