"""Timing that a busy machine disturbs equally for all candidates: alternating rounds, medians, ratios."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

Side = Callable[[], object]
CLOCK = "BENCHMARKS_COUNT_PROCESSOR_TIME"  # set by --processor-time


@dataclass(frozen=True)
class Row:
    """Median seconds of the same work by Vitrine and by a peer; `ratio` is the median of the ratios per round.

    floor: median seconds of the bare passes through the network. share: their share of our time, also a median.
    """

    work: str
    network: str
    precision: str
    ours: float
    peer: str
    theirs: float
    ratio: float
    floor: float
    share: float
    note: str = ""

    def to_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Contest:
    """Work to be timed: ours and the bare passes, each by precision, and a peer's."""

    work: str
    network: str
    peer: str
    theirs: Side
    ours: Mapping[str, Side]
    floors: Mapping[str, Side]
    notes: Mapping[str, str]


def held(contest: Contest, rounds: int) -> list[Row]:
    """Time all sides once per round, after a warm-up round; the order is reversed each time."""
    sides: dict[tuple[str, str], Side] = {("peer", ""): contest.theirs}
    sides |= {("ours", precision): side for precision, side in contest.ours.items()}
    sides |= {("floor", precision): side for precision, side in contest.floors.items()}
    times: dict[tuple[str, str], list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name in sorted(sides, reverse=number % 2 == 1):
            times[name].append(seconds(sides[name]))
        print(f"{contest.work}, {contest.network}: round {number} of {rounds}", file=sys.stderr)
    return [
        _row(contest, {name: seconds_each[1:] for name, seconds_each in times.items()}, precision)
        for precision in contest.ours
    ]


def _row(contest: Contest, times: Mapping[tuple[str, str], list[float]], precision: str) -> Row:
    ours, theirs, floor = times["ours", precision], times["peer", ""], times["floor", precision]
    return Row(
        work=contest.work,
        network=contest.network,
        precision=precision,
        ours=statistics.median(ours),
        peer=contest.peer,
        theirs=statistics.median(theirs),
        ratio=_median_ratio(theirs, ours),
        floor=statistics.median(floor),
        share=_median_ratio(floor, ours),
        note=contest.notes.get(precision, ""),
    )


def _median_ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def seconds(side: Side) -> float:
    clock = time.process_time if CLOCK in os.environ else time.perf_counter
    begun = clock()
    side()
    return clock() - begun
