"""The filter allows each system call that a framework was seen to need, and refuses the rest for a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xai_core.jobs import calls

RECORDED = json.loads((Path(__file__).parent / "recorded_calls.json").read_text("utf-8"))
CHECKED = {"clone", "fcntl", "ioctl", "kill", "prctl", "prlimit64", "sched_setaffinity", "tgkill"}
REFUSED = {
    "seccomp": "it is the filter's own installation that is seen",
    "vfork": "Python looks for the processor's name by a program, and does without",
    "socket": "ONNX Runtime looks for its maker's server, and does without",
}


@pytest.mark.parametrize("framework", ["none", "pytorch", "tensorflow", "onnx"])
def test_each_call_that_was_seen_is_known(framework):
    seen = set(RECORDED[framework]["calls"])
    assert len(seen) > 30
    assert seen <= set(calls.ALLOWED) | CHECKED | set(calls.UNAVAILABLE) | set(REFUSED)


def test_a_call_that_is_refused_was_never_needed():
    for framework, recorded in RECORDED.items():
        for name in REFUSED.keys() - {"seccomp"}:
            assert "done" not in recorded["calls"].get(name, []), (framework, name)


def test_no_call_is_both_allowed_and_refused():
    allowed = [number for number in calls.ALLOWED.values() if number[0] is not None]
    others = [numbers for numbers, _ in calls.UNAVAILABLE.values()]
    rules = [calls.CLONE, calls.TGKILL, calls.KILL, calls.PRLIMIT, calls.FCNTL, calls.IOCTL, calls.PRCTL]
    numbers = [first for first, _ in [*allowed, *others, *rules, calls.SET_AFFINITY]]
    assert len(numbers) == len(set(numbers))
