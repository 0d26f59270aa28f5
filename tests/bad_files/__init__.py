"""Harmful and broken model files, made by the tests themselves: `python -m tests.bad_files.torch_files FOLDER`.

None of them does harm. What a harmful one would run makes an empty file /tmp/vitrine-marker-..., so that tests can see
whether it ran.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

MARKER = "/tmp/vitrine-marker-"
PASSWORDS = "/etc/passwd"
MEGABYTE = 1 << 20


def touch(name: str) -> str:
    """Return the command line that leaves a marker."""
    return f"touch {MARKER}{name}"


def repacked(
    source: Path,
    target: Path,
    change: Callable[[str, bytes], bytes] = lambda name, content: content,
    further: Mapping[str, bytes] | None = None,
) -> None:
    """Write a zip again with the content of its entries changed, and with further entries."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in (further or {}).items():
            new.writestr(name, content)


def bomb(target: Path, name: str, megabytes: int, beside: Path | None = None) -> None:
    """Write a zip with one entry of so many megabytes of zeros, and the entries of another zip beside it."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        if beside:
            with zipfile.ZipFile(beside) as other:
                for entry in other.namelist():
                    archive.writestr(entry, other.read(entry))
        with archive.open(name, "w", force_zip64=True) as zeros:
            for _ in range(megabytes):
                zeros.write(bytes(MEGABYTE))
