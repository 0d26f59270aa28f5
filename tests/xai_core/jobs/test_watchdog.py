"""A process is stopped rather than left unwatched."""

from __future__ import annotations

import errno
from types import SimpleNamespace

import pytest

from xai_core.jobs import watchdog
from xai_core.jobs.limits import Limits
from xai_core.jobs.sentences import STOPPED


class Unwatchable(SimpleNamespace):
    """A process whose use of memory cannot be read."""

    @property
    def usage(self):
        raise OSError("Too many open files")


def test_a_process_that_cannot_be_watched_is_stopped(tmp_path, caplog):
    verdicts = []
    process = Unwatchable(
        framework="none",
        limits=Limits(),
        scratch=str(tmp_path / "worker"),
        alive=True,
        overdue=lambda: None,
        stop=verdicts.append,
    )
    watchdog._Watch(process).follow()
    assert [str(verdict) for verdict in verdicts] == [STOPPED]
    assert "Too many open files" in caplog.text


@pytest.mark.parametrize(("error", "fits"), [(errno.ENAMETOOLONG, False), (errno.EMFILE, True), (errno.ENFILE, True)])
def test_a_model_is_blamed_for_a_path_too_long_to_follow_but_not_for_an_app_without_handles(monkeypatch, error, fits):
    def scandir(path):
        raise OSError(error, "")

    monkeypatch.setattr(watchdog.os, "scandir", scandir)
    assert watchdog.fits("scratch", 1 << 20) == fits


def test_the_longest_wait_of_a_thread_for_the_processor_counts(tmp_path):
    looks = iter([{1: 5.0, 2: 0.0}, {1: 5.5, 2: 2.0, 3: 9.0}, {}])  # thread 3 is new, so its wait began unseen
    process = SimpleNamespace(queued=0.0, queued_seconds={}, framework="none", limits=Limits(), scratch=str(tmp_path))
    watch = watchdog._Watch(process)
    for seconds in looks:
        process.queued_seconds = seconds
        watch._count_queued()
    assert process.queued == 2.0
