"""Where Vitrine's models run: in workers on this machine, opened by its own adapters."""

from __future__ import annotations

from dataclasses import dataclass

from xai_core.jobs.base import Runner
from xai_core.jobs.local import LocalRunner
from xai_core.services.results_cache import ResultsCache, remembering

ADAPTERS = "model_adapters"


@dataclass(frozen=True)
class Runners:
    """The runner that computes every answer, and one that checks the disk cache first; the same if caching is off."""

    plain: Runner
    remembering: Runner


def local_runner() -> LocalRunner:
    """Return a runner that computes every answer."""
    return LocalRunner(ADAPTERS)


def remembered(runner: Runner) -> Runner:
    """Return a runner that caches another's answers on disk, or that runner if the environment turns caching off."""
    return remembering(runner, ADAPTERS)


def remembering_runner() -> Runner:
    """Return a runner that caches answers on disk, unless the environment turns caching off."""
    return remembered(local_runner())


def results_cache() -> ResultsCache | None:
    """Return the cache of answers on disk, or None if the environment turns caching off."""
    return ResultsCache.from_environment(ADAPTERS)
