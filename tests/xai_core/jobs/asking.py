"""What the tests ask of a runner whose models are fakes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xai_core.jobs.limits import Limits
from xai_core.jobs.local import LocalRunner
from xai_core.preprocessing import Preprocessing

HERE = str(Path(__file__).parent)
SIZE = Preprocessing(4, 5)


@dataclass(frozen=True)
class Asked:
    """A method of fake_methods, which only workers import."""

    id: str
    given: dict[str, Any] = field(default_factory=dict)

    def values(self):
        return self.given


def fake_runner(**changes):
    limits = changes.pop("limits", Limits(step_seconds=30))
    return LocalRunner("fake_adapters", limits, extra_path=[HERE], **changes)
