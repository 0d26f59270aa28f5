"""Where Vitrine's models run: in workers on this machine, opened by its own adapters."""

from __future__ import annotations

import os
from dataclasses import dataclass

from xai_core.errors import ParamError
from xai_core.jobs.base import Runner
from xai_core.jobs.launch import ALLOW_CODE
from xai_core.jobs.local import LocalRunner
from xai_core.services.results_cache import ResultsCache, remembering

ADAPTERS = "model_adapters"


@dataclass(frozen=True)
class Runners:
    """The runner that computes every answer, and one that checks the disk cache first; the same if caching is off."""

    plain: Runner
    remembering: Runner


def local_runner(runs_code: bool = True) -> LocalRunner:
    """Return a runner that computes every answer.

    runs_code: whether code that comes with a model may run, unless the environment decides that.
    """
    setting = code_setting()
    return LocalRunner(ADAPTERS, runs_code=runs_code if setting is None else setting)


def code_setting() -> bool | None:
    """Return whether the environment allows code that comes with a model, or forbids it; None if it says neither.

    Raises ParamError for a value that is neither 0 nor 1.
    """
    value = os.environ.get(ALLOW_CODE, "")
    if value not in ("", "0", "1"):
        raise ParamError(f"{ALLOW_CODE} must be 0 or 1; got {value!r}.")
    return None if value == "" else value == "1"


def remembered(runner: Runner) -> Runner:
    """Return a runner that caches another's answers on disk, or that runner if the environment turns caching off."""
    return remembering(runner, ADAPTERS)


def remembering_runner(runs_code: bool) -> Runner:
    """Return a runner that caches answers on disk, unless the environment turns caching off."""
    return remembered(local_runner(runs_code))


def results_cache() -> ResultsCache | None:
    """Return the cache of answers on disk, or None if the environment turns caching off."""
    return ResultsCache.from_environment(ADAPTERS)
