"""The answers of a parser that a file has taken over; the file names the attack.

Only parsing processes import this.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.services.parsing.questions.open_picture import OpenPicture

PIXELS = np.full((16, 16, 3), 7, np.uint8)
HONEST: Header = {"notes": [], "pages": 1, "windowed": False, "bands": 0}


def answer(header: Header, arrays: Arrays) -> Frame:
    return DEEDS[arrays[0].tobytes().decode()]()


def _read_passwords() -> Frame:
    Path("/etc/passwd").read_text()
    return _open()


def _start_a_program() -> Frame:
    os.execv("/bin/true", ["true"])
    return _open()


def _open() -> Frame:
    return HONEST, [PIXELS]


def _never_end() -> Frame:
    while True:
        time.sleep(0.01)


def _take_memory() -> Frame:
    kept = []
    while True:
        kept.append(np.ones(1 << 24, np.uint8))


def _stop() -> Frame:
    os._exit(3)


DEEDS: dict[str, Callable[[], Frame]] = {
    "open": _open,
    "read passwords": _read_passwords,
    "start a program": _start_a_program,
    "never end": _never_end,
    "take memory": _take_memory,
    "stop": _stop,
    "lie about the notes": lambda: (HONEST | {"notes": 5}, [PIXELS]),
    "lie about the pixels": lambda: (HONEST, [PIXELS.astype(np.float32)]),
    "lie about the bands": lambda: (HONEST | {"bands": 4}, [PIXELS]),
    "send too much": lambda: (HONEST, [np.zeros(OpenPicture.largest_answer + 1, np.uint8)]),
    "say nothing": lambda: ({}, []),
}
