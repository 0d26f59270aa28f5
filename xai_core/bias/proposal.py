"""What a table of predictions seems to mean, and what it would give if it were read so."""

from __future__ import annotations

from dataclasses import dataclass, field

from xai_core.bias.repairs import Repairs

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Proposal:
    """How the columns of a table may be read.

    names: all columns. roles: columns by role. repairs: what is repaired. reasons: why, as sentences. fault: why the
    table cannot be read so, "" if it can. unusable: how many rows lack a class or a probability; which: in words.
    spellings: class names spelt differently, with the spelling to use. classes: of the table. pictures, accuracy: what
    it would give, 0 and NaN if it cannot be read. preview: the first rows as they would be read; dropped: the first
    rows that are unusable, as the file has them. Both start with a row of names.
    """

    names: tuple[str, ...]
    roles: dict[str, str]
    repairs: Repairs
    reasons: tuple[str, ...] = ()
    fault: str = ""
    unusable: int = 0
    which: str = ""
    spellings: dict[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    pictures: int = 0
    accuracy: float = float("nan")
    preview: Rows = ()
    dropped: Rows = ()

    @property
    def is_as_documented(self) -> bool:
        """Whether every column is called by its role, so that none has to be chosen."""
        return all(role == name for role, name in self.roles.items())
