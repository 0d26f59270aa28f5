"""Run the app in a process of its own, and read from the kernel what it and its workers use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from xai_core.jobs.usage import processor_seconds

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What the app uses: memory in MB, open handles, threads, workers; processor seconds of both so far."""

    memory: float
    handles: int
    threads: int
    workers: int
    app_seconds: float
    worker_seconds: float


@contextmanager
def running_app(log: Path) -> Iterator[tuple[str, int]]:
    """Run the app on a free port, without stored results; yield its address and its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "server.py"), *options]
    environment = os.environ | {"VITRINE_CACHE_MB": "0", "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output, tempfile.TemporaryDirectory() as empty:
        app = subprocess.Popen(command, cwd=ROOT, env=environment | {"TMPDIR": empty}, stdout=output, stderr=output)
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", app)
            yield f"http://127.0.0.1:{port}", app.pid
        finally:
            app.terminate()
            app.wait(PATIENCE)


def usage(pid: int) -> Usage:
    """Return what the app and its workers use now."""
    folder = Path("/proc", str(pid))
    workers = _children(pid)
    return Usage(
        memory=int((folder / "statm").read_text().split()[1]) * PAGE / 2**20,
        handles=len(os.listdir(folder / "fd")),
        threads=len(os.listdir(folder / "task")),
        workers=len(workers),
        app_seconds=processor_seconds(pid),
        worker_seconds=sum(map(processor_seconds, workers)),
    )


def _children(pid: int) -> list[int]:
    everything = (int(name) for name in os.listdir("/proc") if name.isdecimal())
    return [process for process in everything if _parent(process) == pid]


def _parent(pid: int) -> int | None:
    """Return a process's parent, see proc_pid_stat(5); None once it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _wait_for(address: str, app: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while app.poll() is None and time.monotonic() < deadline:
        try:
            urlopen(address, timeout=PATIENCE).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The app did not start.")
