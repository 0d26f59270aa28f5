"""The runner that the contract's tests share, so that a sample model is opened once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vitrine.runner import local_runner
from xai_core.jobs.local import LocalRunner


@pytest.fixture(scope="session")
def runner() -> Iterator[LocalRunner]:
    runner = local_runner()
    yield runner
    runner.close()
