"""Read files for the library and the command line in a sandboxed process: they are as untrusted as in the app."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xai_core.errors import DataError
from xai_core.services.parsing.parser import SandboxedParser
from xai_core.untrusted.csv_text import LARGEST


@cache
def shared_parser() -> SandboxedParser:
    """Return the parser that all of this process shares. Its worker starts on first use and ends when it is idle."""
    return SandboxedParser()


def file_bytes(path: Path, kind: str, largest: int = LARGEST) -> bytes:
    """Return the bytes of a file, at most one more than `largest`. Raises a DataError that calls it a `kind`."""
    try:
        with path.open("rb") as file:
            return file.read(largest + 1)
    except OSError as error:
        raise DataError(f"There is no {kind} called {path.name} that can be read.") from error
