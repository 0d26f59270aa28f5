"""What is going on, on one line of the terminal; silent where nobody watches."""

from __future__ import annotations

import shutil
import sys


def tell(doing: str) -> None:
    """Show what is going on, in place of what was shown before; an empty text clears the line."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be cleared
        sys.stderr.write(f"\r\x1b[K{doing[:width]}")
        sys.stderr.flush()
