"""Record which system calls the workers make, per framework, into tests/sandbox/recorded_calls.json. Needs strace.

    python scripts/record_system_calls.py [--only Keras]

It opens every model available, runs every method on every sample, classifiers and detectors, and finds the engines,
once with the usual number of threads and once with eight. Calls that the filter refuses are recorded too, with their
errors. `xai_core/jobs/calls.py` must allow each recorded call or say why not; tests/sandbox/test_recorded_calls.py
checks that.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.small_models import folder as small_models  # noqa: E402
from xai_core.errors import VitrineError  # noqa: E402
from xai_core.jobs.launch import WorkerSetup  # noqa: E402

TARGET = ROOT / "tests/sandbox/recorded_calls.json"
ASSETS = Path(os.environ.get("VITRINE_TEST_ASSETS") or ROOT.parent / "shared/assets")
THREADS = ("", "8")
PATIENCE = {"VITRINE_OPEN_SECONDS": "300", "VITRINE_STEP_SECONDS": "200"}  # under strace, everything takes longer
# Frequent and plainly needed: not traced, so that the worker still meets its deadlines.
NOT_TRACED = ("futex", "sched_yield", "read", "write", "lseek", "munmap", "madvise", "poll", "clock_nanosleep", "brk")
ARGUMENT = {"prctl": 0, "arch_prctl": 0, "ioctl": 1, "fcntl": 1, "clone": -1, "sched_setaffinity": 0, "madvise": 2}
BOXES = "boxes"
SHORT: dict[str, dict[str, Any]] = {
    "drise": {"samples": 200},
    "ablationcam": {"channels": 5},
    "box_occlusion": {"patch": 25, "stride": 25},
}
SYSTEM_FOLDERS = ("/proc", "/sys", "/dev", "/etc")
LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\w+)(?: (E\w+))?")


class Recording:
    """What the workers of one framework did once their filter was active."""

    def __init__(self) -> None:
        self.calls: dict[str, set[str]] = defaultdict(set)
        self.arguments: dict[str, set[str]] = defaultdict(set)
        self.files: set[str] = set()

    def add(self, trace: Path) -> None:
        """Read what strace wrote about one worker."""
        confined = False
        for line in trace.read_text(errors="replace").splitlines():
            confined = confined or "seccomp(SECCOMP_SET_MODE_FILTER" in line
            if confined and (call := LINE.match(line)):
                self._note(*call.groups())

    def _note(self, name: str, arguments: str, result: str, error: str | None) -> None:
        self.calls[name].add(error or "done")
        if (place := ARGUMENT.get(name)) is not None:
            self.arguments[name].add(_argument(name, arguments, place))
        for path in re.findall(r'"(/[^"]*)"', arguments) if name in ("open", "openat") and not error else []:
            if path.startswith(SYSTEM_FOLDERS):
                self.files.add(re.sub(r"\d+", "N", path))

    def to_json(self) -> dict[str, Any]:
        calls = {name: sorted(results) for name, results in sorted(self.calls.items())}
        return {
            "calls": calls | {name: ["done"] for name in NOT_TRACED},
            "arguments": {name: sorted(values) for name, values in sorted(self.arguments.items())},
            "files": sorted(self.files),
        }


def _argument(name: str, arguments: str, place: int) -> str:
    if name == "clone":
        return re.search(r"flags=([\w|]+)", arguments).group(1)  # type: ignore[union-attr]
    value = arguments.split(", ")[place]
    return ("0" if value == "0" else "a thread") if name == "sched_setaffinity" else value


def trace_workers(folder: Path) -> None:
    """Start every worker under strace from now on."""
    plain = WorkerSetup.command

    def command(self: WorkerSetup, requests: int, results: int) -> list[str]:
        file = tempfile.mktemp(prefix=f"{self.framework}.", dir=folder)
        strace = ["strace", "-f", "-qq", "-s", "200", "-e", f"trace=!{','.join(NOT_TRACED)}", "-o", file]
        return [*strace, *plain(self, requests, results)]

    WorkerSetup.command = command  # type: ignore[method-assign]


def open_everything(only: str) -> None:
    """Open each available model file as a user of the library would, and explain a picture with each method."""
    import vitrine  # after the workers are traced

    files = [*small_models().glob("*"), *(ASSETS / "models").rglob("*")] if not only else []
    for path in sorted(file for file in files if file.is_file() and file.suffix not in (".json", ".md", ".txt")):
        print("opening", path.name, flush=True)
        try:
            vitrine.load(path).close()
        except VitrineError as error:
            print(path.name, error, flush=True)


def explain_boxes() -> None:
    """Explain the best box of each sample detector with each method that the detector offers."""
    import vitrine
    from vitrine.samples import sample_detectors
    from xai_core.detection import methods  # noqa: F401  (registers them)
    from xai_core.detection.method import DETECTION_METHODS

    for sample in sample_detectors():
        with vitrine.load(sample.path, task="detect") as model:
            for method in sorted(DETECTION_METHODS):
                print("explaining a box of", sample.path.name, "with", method, flush=True)
                try:
                    model.explain(method, sample.scenes[0].path, cache=False, **SHORT.get(method, {}))
                except VitrineError as error:
                    print(method, error, flush=True)


def record(only: str, work: list[str]) -> int:
    """Do the work in this process, whose workers are traced."""
    if not only or only == BOXES:
        explain_boxes()
    if only == BOXES:
        return 0
    open_everything(only)
    os.chdir(ROOT)
    chosen = ["-k", only] if only else []
    return pytest.main(["-q", "-p", "no:cacheprovider", *chosen, *work])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="words of pytest's -k, such as Keras, or `boxes`")
    parser.add_argument("--traces", type=Path, help="read these traces instead, or write them here")
    parser.add_argument("--work", nargs="*", default=["tests/contract"])
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.within:
        trace_workers(args.traces)
        sys.exit(record(args.only, args.work))
    folder = args.traces or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    if not list(folder.iterdir()):
        for threads in THREADS:
            command = [sys.executable, __file__, "--within", "--only", args.only, "--traces", str(folder)]
            environment = os.environ | PATIENCE | ({"OMP_NUM_THREADS": threads} if threads else {})
            subprocess.run([*command, "--work", *args.work], env=environment, check=False)
    write(folder)


def write(folder: Path) -> None:
    recordings: dict[str, Recording] = defaultdict(Recording)
    for trace in sorted(folder.iterdir()):
        recordings[trace.name.partition(".")[0]].add(trace)
    by_framework = {name: recording.to_json() for name, recording in sorted(recordings.items())}
    TARGET.write_text(json.dumps(by_framework, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
