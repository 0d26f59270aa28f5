"""The limits of a worker leave room for what the user's other processes do."""

from __future__ import annotations

import resource

from xai_core.jobs import sandbox
from xai_core.jobs.limits import Limits

MOST_WORKERS = 6


def test_threads_that_other_workers_start_later_take_none_from_a_worker(monkeypatch):
    """The kernel's limit counts the threads of all processes of the user, unless the user is root."""
    set_limits = {}
    monkeypatch.setattr(resource, "setrlimit", lambda which, values: set_limits.update({which: values}))
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(sandbox.kernel, "not_dumpable", lambda: None)
    monkeypatch.setattr(sandbox.seccomp, "close_calls", lambda: True)
    limits = Limits(threads=100)
    sandbox.close_the_rest(limits, "none", threads=50)
    assert set_limits[resource.RLIMIT_NPROC][0] >= 50 + MOST_WORKERS * limits.threads
