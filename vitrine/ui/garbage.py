"""Keep garbage collection quick: Streamlit collects after every run, among all objects of the process."""

from __future__ import annotations

import gc
import sys
from threading import Lock

_lock = Lock()
_spared = 0


def spare_modules() -> None:
    """Exclude from collection what imports have left, if modules were imported since the last time.

    Modules and their classes are most of the objects here, and never garbage. Looking through them takes longer than
    most runs of a page. Garbage that exists at this moment is collected before.
    """
    global _spared
    with _lock:
        if len(sys.modules) > _spared:
            _spared = len(sys.modules)
            gc.collect()
            gc.freeze()
