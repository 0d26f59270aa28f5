"""A worker stands one step behind the app, whatever the kernel says of the app's group."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from xai_core.jobs import priority


@pytest.fixture
def other():
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process.pid
        process.kill()


def test_a_worker_stands_one_step_behind_the_app(other):
    priority.give_way(other)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, other) == min(own + priority.BEHIND, 19)
    assert os.sched_getscheduler(other) == os.SCHED_BATCH


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [("/autogroup-30 nice 0\n", "1"), ("/autogroup-30 nice 10\n", "11"), ("/autogroup-7 nice 19\n", "19"),
     ("/autogroup-7 nice -5\n", "-4"), ("", "1"), ("/autogroup-7\n", "1")],
)  # fmt: skip
def test_so_does_its_group_also_if_the_app_is_in_none(tmp_path, monkeypatch, other, stated, wanted):
    (tmp_path / "self").write_text(stated)
    monkeypatch.setattr(priority, "_GROUP", str(tmp_path / "{}"))
    priority.give_way(other)
    assert (tmp_path / str(other)).read_text() == wanted


def test_a_kernel_without_groups_is_no_error(tmp_path, monkeypatch, other):
    monkeypatch.setattr(priority, "_GROUP", str(tmp_path / "none" / "{}"))
    priority.give_way(other)


def test_a_process_that_is_gone_is_no_error():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    priority.give_way(gone.pid)
