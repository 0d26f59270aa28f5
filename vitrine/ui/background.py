"""Slow figures, computed in the background while the page stays responsive."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import streamlit as st

from vitrine.ui import frame
from xai_core.bias.progress import Progress
from xai_core.errors import JobError, VitrineError
from xai_core.jobs.base import Job, Status

LOG = logging.getLogger(__name__)
LOOK_AGAIN_SECONDS = 0.5  # each look makes the browser draw the whole page again
FAILED = "This could not be computed. Choose different pictures with the filters, or try again."
Answer = TypeVar("Answer")


class _Stopped(Exception):
    """Raised inside a computation once nobody waits for its result any more."""


class Work(Job[Answer], Generic[Answer]):
    """A computation in its own thread; `share` is the part that is done, 0 to 1."""

    def __init__(self) -> None:
        super().__init__(cancel=lambda: self.update(status=Status.CANCELLED))
        self.share = 0.0

    def tell(self, share: float) -> None:
        """Note the share that is done; if the job has been cancelled, end the computation."""
        if self.state.ended:
            raise _Stopped
        self.share = share


def in_background(work_out: Callable[[Progress], Answer]) -> Work[Answer]:
    """Compute something in its own thread; the job fails with the VitrineError that is raised."""
    job: Work[Answer] = Work()
    threading.Thread(target=_work, args=(job, work_out), daemon=True).start()
    return job


def answer_of(job: Work[Answer], doing: str, key: str) -> Answer | None:
    """Return a job's answer, None if it has none; while it runs, say what it is doing and check again.

    key: for the button that cancels it.
    """
    if not job.state.ended:
        st.fragment(_follow, run_every=LOOK_AGAIN_SECONDS)(job, doing, key)
        return None
    if job.state.error is not None:
        frame.complain(job.state.error)
    if job.state.status is Status.CANCELLED:
        st.info("Cancelled.", icon=":material/cancel:")
    return job.state.latest


def _work(job: Work[Any], work_out: Callable[[Progress], Any]) -> None:
    job.update(status=Status.RUNNING)
    try:
        job.update(status=Status.DONE, latest=work_out(job.tell))
    except _Stopped:
        return
    except VitrineError as error:
        job.update(status=Status.FAILED, error=error)
    except Exception:  # whatever went wrong, nobody must wait for ever
        LOG.exception("A figure could not be computed.")
        job.update(status=Status.FAILED, error=JobError(FAILED))


def _follow(job: Work[Any], doing: str, key: str) -> None:
    if job.state.ended:
        st.rerun()
    bar, button = st.columns([3, 1], vertical_alignment="center")
    bar.progress(min(1.0, job.share), f"{doing} …")
    if button.button("Cancel", key=key, icon=":material/stop_circle:", width="stretch"):
        job.cancel()
        st.rerun()
