"""A table that cannot be read says why, and is read a second time only if that may help."""

from __future__ import annotations

from typing import Any

import pytest

from vitrine.ui.bias import source
from vitrine.ui.slots.bias import BiasSlot
from xai_core.errors import DataError, JobError, TimedOut


class Failing:
    """A parser that fails for a reason, and counts how often it was asked."""

    def __init__(self, reason: JobError | None) -> None:
        self.reason, self.times = reason, 0

    def ask(self, question: Any) -> Any:
        self.times += 1
        raise DataError("This cannot be read.") from self.reason


@pytest.mark.parametrize(("reason", "times"), [(None, 2), (TimedOut("Too slow."), 1)])
def test_a_table_that_ended_its_parser_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch, reason: JobError | None, times: int
) -> None:
    parser, slot = Failing(reason), BiasSlot()
    monkeypatch.setattr(source.session, "parser", lambda: parser)
    source._take(slot, b"y_true,y_pred", "table", None)
    assert (slot.fault, slot.table, parser.times) == ("This cannot be read.", None, times)
