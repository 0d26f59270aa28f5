"""Python code that defines a model's network: where it is stored, what it can build, and what is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EntryKind = Literal["class", "function"]
LIKELIEST = "*"


@dataclass(frozen=True)
class ModelCode:
    """An uploaded Python file or zip of Python files, and what to build from it.

    path: where its bytes are stored. name: the user's name for it, for display only. digest: SHA-256 of the bytes.
    entry: the class or function that builds the network; "" to be asked, LIKELIEST to be asked only if the weights do
    not show which it is. arguments: its arguments in Python, such as "num_classes=7"; None to guess them
    from the weights.
    """

    path: str
    name: str
    digest: str
    entry: str = ""
    arguments: str | None = None

    @property
    def identity(self) -> tuple[str, str, str | None]:
        """All that decides which network it builds."""
        return self.digest, self.entry, self.arguments


@dataclass(frozen=True)
class CodeParameter:
    """A parameter of a class or function.

    value: a guess from the weights, as Python text; "" for none. default: as the code writes it; "" if it needs a
    value. reason: where the guess comes from, as a clause; "" without one.
    """

    name: str
    value: str = ""
    default: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it needs a value that nothing suggests."""
        return not (self.value or self.default)


@dataclass(frozen=True)
class CodeEntry:
    """A class or function that may build the network.

    name: as in the code, with its module if several have that name. file: where it stands. reason: why it is the most
    likely, as a clause; "" for the others.
    """

    name: str
    kind: EntryKind
    file: str
    parameters: tuple[CodeParameter, ...] = ()
    reason: str = ""

    @property
    def arguments(self) -> str:
        """The guessed arguments, as in Python; parameters without a guess keep their defaults."""
        return ", ".join(f"{parameter.name}={parameter.value}" for parameter in self.parameters if parameter.value)

    @property
    def is_complete(self) -> bool:
        """Whether every parameter has a guess or a default."""
        return not any(parameter.is_open for parameter in self.parameters)

    @property
    def in_words(self) -> str:
        """The entry with its arguments, guessed or by default, in one line; "?" stands for what must be set."""
        shown = ", ".join(f"{p.name}={p.value or p.default or '?'}" for p in self.parameters)
        return f"{self.name}({shown}) in {self.file}"
