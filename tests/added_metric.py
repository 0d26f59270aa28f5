"""Adding a group metric for the length of a test, and the one of docs/add-a-metric.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xai_core.bias.group_metric import GROUP_METRICS

DOCS = Path(__file__).resolve().parents[1] / "docs/add-a-metric.md"


def example() -> None:
    """Run the file that docs/add-a-metric.md shows."""
    code = re.search(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert code is not None
    exec(compile(code[1], "false_negative_rate.py", "exec"), {})


@contextmanager
def added(add: Callable[[], object]) -> Iterator[None]:
    """Have one more group metric, until the end of the block."""
    before = dict(GROUP_METRICS)
    add()
    try:
        yield
    finally:
        GROUP_METRICS.clear()
        GROUP_METRICS.update(before)
