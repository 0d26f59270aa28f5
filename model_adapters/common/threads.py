"""How many threads an engine may use that does not read OpenMP's variable itself."""

from __future__ import annotations

import os


def threads_wanted() -> int:
    """Return the value of OMP_NUM_THREADS; 0 if it is missing or not a count, for the engine's own choice."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() else 0
