"""Open, run, cancel and close repeatedly: which handles, threads, memory and scratch files does a runner leave behind?

python -m benchmarks.soak [--cycles 200] [--every 20] [--framework PyTorch]

Each cycle opens a sample model for a new owner, cancels a long RISE after its first preview, asks for a saliency map
and releases the owner, in turn for each framework unless some are named. The figures are those of this process,
without its workers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Collection
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np

from benchmarks.__main__ import machine, table
from vitrine import samples
from vitrine.runner import local_runner
from xai_core.jobs.base import Job
from xai_core.jobs.local import LocalRunner
from xai_core.jobs.questions.explain import Explain
from xai_core.methods.rise import Rise
from xai_core.methods.saliency import Saliency
from xai_core.preprocessing import presets
from xai_core.types import Floats, ModelSource

SIDE, LONG, PATIENCE, SETTLED = 224, 20_000, 300, 3.0
LOOK = presets(SIDE, SIDE)["ImageNet mean/std"]
TARGETS = np.array([285])


@dataclass(frozen=True)
class Left:
    """What a process holds: open files, threads, resident memory, child processes, and files in scratch folders."""

    handles: int
    threads: int
    resident_mb: int
    workers: int
    scratch: int

    @classmethod
    def now(cls) -> Left:
        """Count for this process."""
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        scratch = sum(1 for _ in Path(tempfile.gettempdir()).glob("**/*"))
        resident = int(status["VmRSS"].split()[0]) // 1024
        return cls(len(os.listdir("/proc/self/fd")), int(status["Threads"]), resident, len(children), scratch)


def wait_for_preview(job: Job[object]) -> None:
    """Return once a job has a first preview, or has ended."""
    deadline = time.monotonic() + PATIENCE
    while job.state.latest is None and not job.state.ended and time.monotonic() < deadline:
        time.sleep(0.02)


def cycle(runner: LocalRunner, source: ModelSource, image: Floats) -> None:
    """Open a model, cancel a long run, finish a short one, and close."""
    runner.open(source).result(PATIENCE)
    long = runner.ask(source, Explain(LOOK, Rise(samples=LONG, stop_at_noise=0.0), image, TARGETS))
    wait_for_preview(long)
    long.cancel()
    runner.ask(source, Explain(LOOK, Saliency(), image, TARGETS)).result(PATIENCE)
    runner.release(source.owner)


def main() -> None:
    """Run the cycles that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--every", type=int, default=20, help="cycles between two counts")
    frameworks = [model.framework for model in samples.sample_models()]
    parser.add_argument("--framework", action="append", choices=frameworks, help="may be repeated; usually all")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch  # so that only these runs' files are counted
        soak(wanted.cycles, wanted.every, wanted.framework or frameworks)


def soak(cycles: int, every: int, frameworks: Collection[str]) -> None:
    """Run the cycles; print what is held every few cycles, and at the end."""
    sources = [model.source() for model in samples.sample_models() if model.framework in frameworks]
    image = LOOK.place(samples.sample_photos()[0].picture().pixels)
    rows, start, runner = [], time.monotonic(), local_runner()
    for number in range(cycles + 1):
        if number % every == 0:
            time.sleep(SETTLED)
            rows.append([str(number), f"{time.monotonic() - start:.0f} s", *map(str, astuple(Left.now()))])
            print(" | ".join(rows[-1]), flush=True)
        if number < cycles:
            cycle(runner, replace(sources[number % len(sources)], owner=f"owner {number}"), image)
    runner.close()
    time.sleep(SETTLED)
    rows.append(["closed", f"{time.monotonic() - start:.0f} s", *map(str, astuple(Left.now()))])
    heads = [field.name.replace("_", " ") for field in fields(Left)]
    print(machine(), table(["cycles", "time", *heads], rows), sep="\n\n")


if __name__ == "__main__":
    main()
