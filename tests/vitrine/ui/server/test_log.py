"""What workers print reaches the log of the app, where a message's reference is looked up."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from vitrine.ui.server import log


@pytest.fixture
def loggers() -> Iterator[None]:
    """Leave the loggers as they were."""
    before = [(logger, logger.level, [*logger.handlers]) for logger in map(logging.getLogger, log.PACKAGES)]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def test_the_lines_of_workers_are_written_with_their_time(loggers: None, capsys: pytest.CaptureFixture[str]) -> None:
    log.begin()
    logging.getLogger("xai_core.jobs.process").info("worker %s: %s", 7, "Reference 1f2e: This file cannot be read.")
    line = capsys.readouterr().err
    assert line.endswith(" INFO worker 7: Reference 1f2e: This file cannot be read.\n")
    assert line.startswith("20")
