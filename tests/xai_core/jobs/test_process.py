"""A process that cannot be started leaves nothing behind; one that runs may not send without end."""

from __future__ import annotations

import errno
import gc
import os
import time
from pathlib import Path

import pytest

from xai_core.jobs import folders, process
from xai_core.jobs.frames import Flood
from xai_core.jobs.limits import Limits
from xai_core.jobs.process import SandboxedProcess

SECONDS = 60


def start():
    return SandboxedProcess("xai_core.services.parsing.answering", "none", os.devnull, Limits())


def left():
    """Return the open handles, the children, and the scratch folders of this process."""
    gc.collect()  # what earlier tests left to the collector holds handles
    scratch = Path(folders.private_folder("other")).parent.glob("worker-*")
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return len(os.listdir("/proc/self/fd")), children, sorted(scratch)


@pytest.mark.parametrize("part", ["subprocess.Popen", "tether", "threading.Thread"])
def test_a_process_that_cannot_be_started_leaves_nothing_behind(monkeypatch, part):
    def fail(*args, **options):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    before = left()
    monkeypatch.setattr(f"{process.__name__}.{part}", fail)
    with pytest.raises(OSError, match="temporarily unavailable"):
        start()
    end = time.monotonic() + SECONDS  # those who watch other processes open files too, for moments
    while (now := left())[0] > before[0] and time.monotonic() < end:
        time.sleep(0.05)
    assert now[0] <= before[0]
    assert now[1:] == before[1:]


def test_large_answers_without_end_are_a_flood_but_those_to_requests_are_not():
    worker = start()
    worker.allow(60)
    for _ in range(3):
        worker.send({"ask": "cancel", "job": 0})
        worker._accept(100, process.BODY_BYTES)
    with pytest.raises(Flood):
        worker._accept(100, process.BODY_BYTES)
    worker.close()


def test_a_deadline_waits_while_others_have_the_processor_but_not_for_ever():
    worker = start()
    worker.allow(10)
    worker.deadline = time.monotonic() - 1
    assert worker.overdue() is not None
    worker.queued += 2
    assert worker.overdue() is None
    worker.queued += 1000
    worker.deadline = time.monotonic() - 10 * process.QUEUED_FACTOR - 1
    assert worker.overdue() is not None
    worker.allow(10)
    worker.deadline = time.monotonic() - 1
    assert worker.overdue() is not None  # what it waited for before counts no more
    worker.close()
