"""A folder under a random name that a private file holds: whoever cannot read that file never finds the folder.

Landlock keeps workers from reading and listing, but not from asking for the size and time of a path that they know.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from pathlib import Path

NAME = "name"
PART = ".part"  # ending of a file that is not finished
_RANDOM = re.compile(r"[0-9a-f]{32}")


def hidden_folder(folder: Path) -> Path | None:
    """Return the hidden folder below a folder; None if it has none yet, or none that can be found."""
    try:
        name = (folder / NAME).read_text("ascii", "replace")
    except OSError:
        return None
    return folder / name if is_hidden_name(name) else None


def is_hidden_name(name: str) -> bool:
    """Whether a name is one that hidden folders have."""
    return _RANDOM.fullmatch(name) is not None


def made_hidden_folder(folder: Path) -> Path:
    """Return the hidden folder below a folder, made if it is missing (0700). Raises OSError.

    Several processes find the same one. If two make it at the same moment, the second name is the one that stays.
    """
    if (hidden := hidden_folder(folder)) is None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(folder / NAME, secrets.token_hex(16).encode())
        hidden = hidden_folder(folder) or folder
    hidden.mkdir(mode=0o700, exist_ok=True)
    return hidden


def write_whole(path: Path, data: bytes) -> None:
    """Write a file (0600) that others see whole or not at all. Raises OSError."""
    number, part = tempfile.mkstemp(suffix=PART, dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
        os.replace(part, path)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise
