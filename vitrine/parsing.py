"""The process in which the library and the command line read files; files are as untrusted as in the app."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xai_core.errors import DataError
from xai_core.services.parsing.parser import SandboxedParser
from xai_core.untrusted.csv_text import LARGEST


@cache
def shared_parser() -> SandboxedParser:
    """Return the parser of this process. Its worker starts on first use, and ends when it is idle or Python exits."""
    return SandboxedParser()


def file_bytes(path: Path, kind: str, largest: int = LARGEST) -> bytes:
    """Return the bytes of a file, at most one more than `largest`; DataError calls one that cannot be read a `kind`."""
    try:
        with path.open("rb") as file:
            return file.read(largest + 1)
    except OSError as error:
        raise DataError(f"There is no {kind} called {path.name} that can be read.") from error
