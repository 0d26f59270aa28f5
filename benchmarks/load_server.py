"""The app in a process of its own, and what it and its workers hold, as the kernel counts it."""

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

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What the app holds: memory in MB, open handles, threads, workers, and processor seconds so far of both."""

    memory: float
    handles: int
    threads: int
    workers: int
    app_seconds: float
    worker_seconds: float


@contextmanager
def running_app(log: Path) -> Iterator[tuple[str, int]]:
    """Run the app on a free port, with nothing kept from earlier runs; yield its address and its process id."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    options = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "server.py"), *options]
    quiet = os.environ | {"VITRINE_CACHE_MB": "0", "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output, tempfile.TemporaryDirectory() as empty:
        app = subprocess.Popen(command, cwd=ROOT, env=quiet | {"TMPDIR": empty}, stdout=output, stderr=output)
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", app)
            yield f"http://127.0.0.1:{port}", app.pid
        finally:
            app.terminate()
            app.wait(PATIENCE)


def usage(pid: int) -> Usage:
    """Return what the app and its workers hold now."""
    folder = Path("/proc", str(pid))
    workers = _children(pid)
    return Usage(
        memory=int((folder / "statm").read_text().split()[1]) * PAGE / 2**20,
        handles=len(os.listdir(folder / "fd")),
        threads=len(os.listdir(folder / "task")),
        workers=len(workers),
        app_seconds=_seconds(pid),
        worker_seconds=sum(map(_seconds, workers)),
    )


def _children(pid: int) -> list[int]:
    everything = (int(name) for name in os.listdir("/proc") if name.isdecimal())
    return [other for other in everything if _fields(other)[1] == str(pid)]


def _seconds(pid: int) -> float:
    user, system = _fields(pid)[11:13]
    return (int(user) + int(system)) / TICKS


def _fields(pid: int) -> list[str]:
    """Return a process's fields after its name, see proc_pid_stat(5); zeros once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 50


def _wait_for(address: str, app: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while app.poll() is None and time.monotonic() < deadline:
        try:
            urlopen(address, timeout=PATIENCE).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The app did not start.")
