"""A job ends once, and its result says how."""

from __future__ import annotations

import pytest

from xai_core.errors import JobError, WorkerDied
from xai_core.jobs.base import Job, Status


@pytest.fixture
def job():
    return Job(cancel=lambda: None)


def test_a_finished_job_gives_its_result(job):
    job.update(status=Status.DONE, latest=5)
    assert job.result() == 5


def test_a_failed_job_raises_its_error(job):
    job.update(status=Status.FAILED, error=WorkerDied("It is gone."))
    with pytest.raises(WorkerDied, match=r"^It is gone\.$"):
        job.result()


def test_a_cancelled_job_says_so_even_after_a_preview(job):
    job.update(status=Status.RUNNING, latest=5)
    job.update(status=Status.CANCELLED)
    with pytest.raises(JobError, match=r"^The computation was cancelled\.$"):
        job.result()


def test_only_a_job_that_has_not_ended_times_out(job):
    job.update(status=Status.RUNNING, latest=5)
    with pytest.raises(TimeoutError):
        job.result(0)


def test_an_ended_job_keeps_its_state(job):
    job.update(status=Status.CANCELLED)
    job.update(status=Status.DONE, latest=5)
    assert job.state.status is Status.CANCELLED
