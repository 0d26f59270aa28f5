"""RISE through a sandboxed worker, beside bare forward passes of as many pictures on the same engine, in this process.

Run by `python -m benchmarks`; prints JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial

from benchmarks import subject
from benchmarks.rounds import Contest, held
from benchmarks.subject import PRECISIONS, PREPROCESSING, SEEDS, TARGETS, photo
from vitrine.runner import local_runner
from xai_core.jobs.local import LocalRunner
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.methods.rise import Rise
from xai_core.types import Conditions, ModelSource, Precision

SECONDS = 600


def explained(runner: LocalRunner, source: ModelSource, masks: int, precision: Precision) -> object:
    method = Rise(samples=masks, stop_at_noise=0.0, seed=next(SEEDS))
    question = Explain(PREPROCESSING, method, photo(), TARGETS, Conditions(precision=precision))
    return runner.ask(source, question).result(SECONDS)


def contests(name: str, runner: LocalRunner, source: ModelSource, masks: int) -> list[Contest]:
    for engine in runner.ask(source, FindEngines(PREPROCESSING)).result(SECONDS):
        print("in the worker:", engine, file=sys.stderr)
    bare = subject.forward_passes(subject.opened(source), masks, Rise().batch_size)
    return [
        Contest(
            f"RISE in a worker, {masks} masks",
            name,
            "the bare engine",
            bare[precision],
            {precision: partial(explained, runner, source, masks, precision)},
            {precision: bare[precision]},
            {},
        )
        for precision in PRECISIONS
    ]


def main() -> None:
    name, rounds, masks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    runner = local_runner()
    try:
        with tempfile.TemporaryDirectory() as folder:
            source = subject.torch_source(name, folder)
            rows = [row for contest in contests(name, runner, source, masks) for row in held(contest, rounds)]
    finally:
        runner.close()
    print(json.dumps([row.to_json() for row in rows]))


if __name__ == "__main__":
    main()
