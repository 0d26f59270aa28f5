"""A process is stopped rather than left unwatched."""

from __future__ import annotations

from types import SimpleNamespace

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
