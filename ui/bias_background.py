"""Figures that take a while, worked out in the background while the page stays as it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from ui import frame
from xai_core.errors import JobError, VitrineError
from xai_core.jobs.base import Job, Status

LOG = logging.getLogger(__name__)
LOOK_AGAIN_SECONDS = 0.5
FAILED = "This could not be worked out. Choose other pictures with the filters, or try again."
Found = TypeVar("Found")


def in_background(work_out: Callable[[], Found]) -> Job[Found]:
    """Work something out in a thread of its own; the job fails with the VitrineError that is raised."""
    job: Job[Found] = Job(cancel=lambda: None)
    threading.Thread(target=_work, args=(job, work_out), daemon=True).start()
    return job


def answer_of(job: Job[Found], doing: str) -> Found | None:
    """Return what a job found; while it works, say what it is doing and look again. None where it has no answer."""
    if not job.state.ended:
        st.fragment(_follow, run_every=LOOK_AGAIN_SECONDS)(job, doing)
        return None
    if job.state.error is not None:
        frame.complain(job.state.error)
    return job.state.latest


def _work(job: Job[Any], work_out: Callable[[], Any]) -> None:
    job.update(status=Status.RUNNING)
    try:
        job.update(status=Status.DONE, latest=work_out())
    except VitrineError as error:
        job.update(status=Status.FAILED, error=error)
    except Exception:  # whatever it is, nobody must wait for ever
        LOG.exception("A figure could not be worked out.")
        job.update(status=Status.FAILED, error=JobError(FAILED))


def _follow(job: Job[Any], doing: str) -> None:
    if job.state.ended:
        st.rerun()
    st.info(f"{doing} …", icon=":material/hourglass_top:")
