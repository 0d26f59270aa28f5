"""What is declared of a kind of file, and what its table in the docs says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["opens", "asks", "refused"]
Write = Callable[[Path], Path]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    title: the file, as people call it. write: writes one into a folder and returns its path. outcome: what happens when
    it is opened. says: what the question or the refusal contains; "" if it opens. remedy: how to go on, for the docs.
    answer: what comes out once it is open, "" if the weights are random. options: keywords with which it then opens.
    """

    title: str
    write: Write
    outcome: Outcome = "opens"
    says: str = ""
    remedy: str = ""
    answer: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert bool(self.says) == (self.outcome != "opens"), self.title

    def __str__(self) -> str:
        return self.title


@dataclass(frozen=True)
class Section:
    """Kinds of files that are opened alike. ask: opens a file and returns what it answers, in a word."""

    title: str
    ask: Callable[[Path, Mapping[str, Any]], str]
    formats: tuple[Format, ...]

    def table(self) -> str:
        """Return the section as Markdown."""
        rows = [f"| {each.title} | {_outcome(each)} | {each.remedy} |" for each in self.formats]
        return "\n".join([f"## {self.title}", "", "| File | What happens | What to do |", "|---|---|---|", *rows])


def _outcome(each: Format) -> str:
    return {"opens": "Opens", "asks": f"Asks: “{each.says}”", "refused": f"Refused: “{each.says}”"}[each.outcome]
