"""Many users at once: python -m benchmarks.load [--clients 20] [--seconds 300] [--heavy] [--leave] [--waves 1].

Every client opens the app, the same sample model and two pictures. Then it behaves like a user: it moves sliders,
chooses methods and visits other pages, with pauses of 1 to 5 s. With --heavy, one more client draws 20,000 masks of
RISE throughout. Results are not stored on disk, so every map is computed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.__main__ import machine, table
from benchmarks.load_server import Usage, running_app, usage
from benchmarks.load_tab import Tab

FRAMEWORK = "PyTorch"
THINKING = (1.0, 5.0)  # seconds between two actions
ARRIVALS = 1.0  # seconds from one client's arrival to the next one's
PAGES = ("", "explain", "detection", "bias", "training", "methods")
NAMES = {
    "integrated_gradients": "Integrated Gradients",
    "smoothgrad": "SmoothGrad",
    "grad_cam": "Grad-CAM",
    "rise": "RISE",
}
# A slider whose every value gives a different map; SmoothGrad's samples do not, since it stops when the noise is low.
METHODS: dict[str, tuple[str, Sequence[float]] | None] = {
    "integrated_gradients": ("steps", range(16, 64, 8)),
    "smoothgrad": ("noise", (0.05, 0.1, 0.15, 0.2, 0.25)),
    "grad_cam": None,
}
PREVIEWS = 5  # timed for a light user, alone and beside the heavy one
GONE = 300  # seconds until everything that a closed tab held must be free


@dataclass
class Measured:
    """What all clients saw: seconds of runs by kind and to first previews; which clients were lost; error boxes."""

    runs: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    previews: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    errors: int = 0

    def all_runs(self) -> list[float]:
        return [seconds for runs in self.runs.values() for seconds in runs]


@dataclass
class User:
    """A user at a tab, who has opened the sample and two pictures. asked: the last value of each slider.

    doing: what it waits for.
    """

    tab: Tab
    seen: Measured
    chance: random.Random
    method: str = "integrated_gradients"
    asked: dict[str, float] = field(default_factory=dict)
    doing: str = ""

    async def settle_in(self) -> None:
        """Open the app, the sample model and a second picture, then the page with the maps."""
        self.seen.runs["first page"].append(await self.tab.open())
        await self._did("open the sample", self.tab.change(f"use-{FRAMEWORK}", trigger_value=True))
        await self.tab.until(lambda: any(key.startswith("bars.") for key in self.tab.widgets))
        pictures = sorted(key for key in self.tab.widgets if key.startswith("sample."))
        await self._did("tick a picture", self.tab.change(pictures[0], bool_value=True))
        await self._did("page explain", self.tab.rerun("explain"))
        await self.tab.until(lambda: self.tab.previews > 0)

    async def go_on(self, until: float) -> None:
        """Do one thing after another."""
        while time.monotonic() < until:
            await asyncio.sleep(self.chance.uniform(*THINKING))
            if "method" in self.tab.widgets and self.chance.random() < 0.7:
                await (self.ask() if self.chance.random() < 0.6 else self.choose(self.chance.choice([*METHODS])))
            else:
                page = "explain" if "method" not in self.tab.widgets else self.chance.choice(PAGES)
                await self._did(f"page {page or 'model'}", self.tab.rerun(page))

    async def ask(self) -> None:
        """Move the slider of the method, and wait for the first preview of the map that follows."""
        chosen = METHODS[self.method]
        key = f"{self.method}.{chosen[0]}" if chosen else ""
        if chosen is None or key not in self.tab.widgets:
            return await self.choose("integrated_gradients")
        others = [value for value in chosen[1] if value != self.asked.get(key)]
        self.asked[key] = self.chance.choice(others)
        return await self.preview(key, [float(self.asked[key])])

    async def preview(self, key: str, values: Sequence[float]) -> None:
        """Set a slider and wait for the first preview."""
        before, started = self.tab.previews, time.monotonic()
        await self._did("move a slider", self.tab.change(key, double_array_value={"data": values}))
        self.doing = f"preview of {key} {values}"
        await self.tab.until(lambda: self.tab.previews > before)
        self.seen.previews.append(time.monotonic() - started)

    async def choose(self, method: str) -> None:
        """Choose a method."""
        self.method = method
        options = self.tab.widgets["method"].proto.options
        option = next(shown for shown in options if NAMES[method] in shown)
        await self._did("choose a method", self.tab.change("method", string_value=option))

    async def _did(self, what: str, run: Awaitable[float]) -> None:
        self.doing = what
        self.seen.runs[what].append(await run)


async def one_client(address: str, seen: Measured, number: int, until: float) -> Tab:
    """Act as one client; note it as lost if the app does not answer."""
    await asyncio.sleep(number * ARRIVALS)
    user = User(Tab(address), seen, random.Random(number))
    try:
        await user.settle_in()
        await user.go_on(until)
    except (TimeoutError, OSError, KeyError) as error:
        seen.lost.append(f"client {number}: {type(error).__name__} {error} on {user.tab.where()}: {user.doing}")
    seen.errors += user.tab.errors
    return user.tab


async def heavy_client(address: str) -> User:
    """Ask for 20,000 masks of RISE, without an early stop."""
    user = User(Tab(address), Measured(), random.Random(99))
    await user.settle_in()
    await user.choose("rise")
    await user.preview("rise.stop_at_noise", [0.0])
    await user.preview("rise.samples", [20000.0])
    return user


async def light_previews(user: User) -> list[float]:
    """Return the seconds to the first preview of each of a few maps of Integrated Gradients."""
    user.seen.previews.clear()
    await user.choose("integrated_gradients")
    for steps in range(PREVIEWS):
        await asyncio.sleep(1.0)
        await user.preview("integrated_gradients.steps", [24.0 + 8 * steps + user.chance.choice([0, 1, 2])])
    return [*user.seen.previews]


async def measure(address: str, pid: int, chosen: argparse.Namespace) -> None:
    """Let the users of each wave come, act and leave; print what they waited for and what the app holds afterwards."""
    await asyncio.sleep(15)  # imports in the background, then the process that waits for the first file
    at_start = usage(pid)
    held = [_held("at the start", at_start)]
    for number in range(1, chosen.waves + 1):
        peak = await wave(address, pid, chosen.clients, chosen.seconds, chosen.heavy)
        after = await _gone(pid, at_start) if chosen.leave else usage(pid)
        held += [_held(f"at the peak of wave {number}", peak), _held(f"after wave {number}", after)]
    print(table(HEADS, held))


async def wave(address: str, pid: int, clients: int, seconds: float, heavy: bool) -> Usage:
    """Time users from the first one's arrival until all have left; return the most that the app held meanwhile."""
    light = User(Tab(address), Measured(), random.Random(7))
    await light.settle_in()
    print(f"first visitor: page {light.seen.runs['first page'][0]:.2f} s")
    rows = [["light user's first preview, alone", *_figures(await light_previews(light))]]
    others = [light]
    if heavy:
        others.append(await heavy_client(address))
        rows.append(["light user's first preview, beside 20,000 masks", *_figures(await light_previews(light))])
    seen, begun = Measured(), usage(pid)
    until = time.monotonic() + seconds
    work = asyncio.gather(*(one_client(address, seen, number, until) for number in range(clients)))
    at_peak = await _watched(work, pid)
    _print_times(rows, seen, begun, usage(pid))
    for tab in [*work.result(), *(user.tab for user in others)]:
        await tab.close()
    return at_peak


def _print_times(rows: list[list[str]], seen: Measured, begun: Usage, ended: Usage) -> None:
    rows += [["all runs", *_figures(seen.all_runs())], ["first previews of all", *_figures(seen.previews)]]
    rows += [[what, *_figures(runs)] for what, runs in sorted(seen.runs.items())]
    print(table(["seconds", "times", "p50", "p95", "slowest"], rows))
    app, workers = ended.app_seconds - begun.app_seconds, ended.worker_seconds - begun.worker_seconds
    print(f"\nprocessor seconds: app {app:.0f}, workers {workers:.0f}; lost {len(seen.lost)}, errors {seen.errors}")
    print("\n".join(seen.lost))


HEADS = ["the app", "memory", "handles", "threads", "workers"]


def _held(when: str, held: Usage) -> list[str]:
    return [when, f"{held.memory:.0f} MB", str(held.handles), str(held.threads), str(held.workers)]


async def _watched(work: asyncio.Future[list[Tab]], pid: int) -> Usage:
    """Return the peak of each kind of usage until the work is done."""
    peak = usage(pid)
    while not work.done():
        await asyncio.wait([work], timeout=1.0)
        now = usage(pid)
        peak = Usage(*(max(pair) for pair in zip(vars(peak).values(), vars(now).values(), strict=True)))
    return peak


async def _gone(pid: int, at_start: Usage) -> Usage:
    """Wait until handles, threads and workers are back to the start, at most `GONE` seconds."""
    started, now = time.monotonic(), usage(pid)
    while time.monotonic() - started < GONE:
        await asyncio.sleep(5)
        now = usage(pid)
        if all(getattr(now, kind) <= getattr(at_start, kind) for kind in ("handles", "threads", "workers")):
            break
    print(f"\nback to the start after {time.monotonic() - started:.0f} s")
    return now


def _figures(seconds: list[float]) -> list[str]:
    if not seconds:
        return ["0", "", "", ""]
    ordered = sorted(seconds)
    late = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return [str(len(seconds)), *(f"{value:.2f}" for value in (statistics.median(ordered), late, ordered[-1]))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="Time the app with many users.")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--heavy", action="store_true", help="one more client draws 20,000 masks throughout")
    parser.add_argument("--waves", type=int, default=1, help="how many times all come and leave")
    parser.add_argument("--leave", action="store_true", help="after all have left, wait until everything is free again")
    chosen = parser.parse_args()
    log = Path(tempfile.gettempdir(), "vitrine-load.log")
    print(f"{machine()}; {chosen.clients} clients, {chosen.seconds:.0f} s; the app's log: {log}\n", flush=True)
    with running_app(log) as (address, pid):
        asyncio.run(measure(address, pid, chosen))


if __name__ == "__main__":
    main()
