"""Progress on one line of the terminal; silent when the output is not a terminal."""

from __future__ import annotations

import shutil
import sys


def tell(doing: str) -> None:
    """Replace the progress line; an empty text clears it."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be cleared
        sys.stderr.write(f"\r\x1b[K{doing[:width]}")
        sys.stderr.flush()
