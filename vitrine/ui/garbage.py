"""Collect garbage quickly and rarely, and return memory to the system when the last visitor has left.

Streamlit would collect after every run of a page, among all objects of the process; `runner.postScriptGC` in
.streamlit/config.toml turns that off.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from contextlib import suppress
from threading import Lock

PAUSE_SECONDS = 10.0
_lock = Lock()
_spared = 0
_collected = 0.0


def tidy() -> None:
    """Collect garbage after a run of a page, if the last time is a while ago: cycles may hold pictures and uploads."""
    global _collected
    spare_modules()
    with _lock:
        due = time.monotonic() - _collected > PAUSE_SECONDS
        if due:
            _collected = time.monotonic()
    if due:
        gc.collect()


def give_back() -> None:
    """Collect all garbage now, and return free memory to the system.

    Whatever tabs held when a module was imported was excluded with the modules, so it is included this time.
    """
    with _lock:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    with suppress(OSError, AttributeError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)


def spare_modules() -> None:
    """Exclude modules from collection, if any were imported since the last call.

    Modules and their classes are most of the objects here, and are never garbage. Traversing them takes longer than
    most runs of a page. Existing garbage is collected first.
    """
    global _spared
    with _lock:
        if len(sys.modules) > _spared:
            _spared = len(sys.modules)
            gc.collect()
            gc.freeze()
