"""A process dies with the one it is tethered to, whatever it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from xai_core.jobs.tether import tether

# The child lets no other thread of its own run; the parent prints its number, then dies or ends as it is told.
PARENT = """
import os, subprocess, sys, time
from xai_core.jobs.tether import tether
child = subprocess.Popen([sys.executable, "-c", "import itertools; print(flush=True); sum(itertools.repeat(0))"],
                         stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
kept = tether(child.pid)
print(child.pid, flush=True)
sys.stdin.readline()
{end}
"""
ENDS = {"killed": "os.kill(os.getpid(), 9)", "left": "os._exit(0)", "ended": "child.poll(); sys.exit()"}


@pytest.mark.parametrize("end", ENDS)
def test_a_process_dies_with_its_parent(end):
    command = [sys.executable, "-W", "ignore", "-c", PARENT.format(end=ENDS[end])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.communicate("now\n", timeout=60)
    until = time.monotonic() + 60
    while is_running(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_running(child)


def is_running(process):
    """Whether a process lives; one that has ended may stay in the list until somebody asks for its code."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("backwards", [False, True])
def test_a_process_lives_until_its_tethers_close_in_any_order(backwards):
    with subprocess.Popen(["sleep", "600"]) as child:
        ends = tether(child.pid)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.2)
        for end in sorted(ends, reverse=backwards):
            os.close(end)
        child.wait(60)
    assert child.returncode == -signal.SIGKILL
