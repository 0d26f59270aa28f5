"""Where Vitrine's models run: in workers on this machine, opened by the adapters that come with it."""

from __future__ import annotations

from dataclasses import dataclass

from xai_core.jobs.base import Runner
from xai_core.jobs.local import LocalRunner
from xai_core.services.results_cache import ResultsCache, remembering

ADAPTERS = "model_adapters"


@dataclass(frozen=True)
class Runners:
    """The runner that computes every answer, and one that first looks on disk; the same if nothing is kept."""

    plain: Runner
    remembering: Runner


def local_runner() -> LocalRunner:
    """Return a runner that computes every answer."""
    return LocalRunner(ADAPTERS)


def remembered(runner: Runner) -> Runner:
    """Return a runner that also keeps another one's answers on disk, or that one if the environment says so."""
    return remembering(runner, ADAPTERS)


def remembering_runner() -> Runner:
    """Return a runner that also keeps answers on disk, unless the environment switches that off."""
    return remembered(local_runner())


def results_cache() -> ResultsCache | None:
    """Return where answers are kept on disk, None where the environment switches that off."""
    return ResultsCache.from_environment(ADAPTERS)
