"""Timing that a busy machine disturbs on both sides alike: turn and turn about, medians, ratios."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

Side = Callable[[], object]


@dataclass(frozen=True)
class Duel:
    """Median seconds of the same work by Vitrine and by a peer; `ratio` is the median of the rounds' own ratios."""

    work: str
    peer: str
    ours: float
    theirs: float
    ratio: float

    def to_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Pace:
    """Seconds to the first preview of a warm model, previews a second after it, and the time outside the network."""

    work: str
    first: float
    rate: float
    overhead: float

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def duel(work: str, peer: str, ours: Side, theirs: Side, rounds: int) -> Duel:
    """Time both sides once a round, after one round that does not count; who begins changes each round."""
    sides = {"ours": ours, "theirs": theirs}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name in sorted(sides, reverse=number % 2 == 1):
            times[name].append(seconds(sides[name]))
        print(f"{work}: round {number} of {rounds}", file=sys.stderr)
    mine, other = times["ours"][1:], times["theirs"][1:]
    ratios = [b / a for a, b in zip(mine, other, strict=True)]
    return Duel(work, peer, statistics.median(mine), statistics.median(other), statistics.median(ratios))


def seconds(side: Side) -> float:
    begun = time.perf_counter()
    side()
    return time.perf_counter() - begun


def pace(work: str, previews: Callable[[], Iterable[object]], inside: Callable[[], float], rounds: int) -> Pace:
    """Time the arrival of previews; `inside()` returns the seconds spent in the network since its last call."""
    list(previews())
    found = []
    for _ in range(rounds):
        inside()
        begun = time.perf_counter()
        arrivals = [time.perf_counter() - begun for _ in previews()]
        rate = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]) if len(arrivals) > 1 else float("nan")
        found.append((arrivals[0], rate, 1 - inside() / arrivals[-1]))
    first, rate, overhead = (statistics.median(values) for values in zip(*found, strict=True))
    return Pace(work, first, rate, overhead)
