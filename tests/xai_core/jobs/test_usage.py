"""What the kernel says of a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from xai_core.jobs.usage import Usage, processor_seconds, queued_seconds, usage

SECONDS = 120
BUSY = "while True: pass"


@pytest.fixture
def rivals():
    """Two processes that want the same processor all the time."""
    core = next(iter(os.sched_getaffinity(0)))
    code = f"import os; os.sched_setaffinity(0, [{core}])\n{BUSY}"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    yield [process.pid for process in processes]
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="The kernel does not count waits.")
def test_who_shares_a_processor_waits_for_it(rivals):
    end = time.monotonic() + SECONDS
    while min(sum(queued_seconds(process).values()) for process in rivals) < 0.2:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert min(map(processor_seconds, rivals)) > 0


def test_a_process_that_is_gone_uses_nothing():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert (usage(gone.pid), queued_seconds(gone.pid), processor_seconds(gone.pid)) == (Usage(), {}, 0.0)
