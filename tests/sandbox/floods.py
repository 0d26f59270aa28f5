"""What a hostile model might send without end, and how it might compute unasked. Only workers import this module."""

import ctypes
import itertools
import json
import mmap
import os
import struct
import sys
import threading
import time

from attacks import card, lie

libc = ctypes.CDLL(None, use_errno=True)
TICK = b'{"say":"tick","arrays":[]}'
FAT_TICK = b'{"say":"tick","arrays":[],"x":[' + b"{}," * 1_000_000 + b"{}]}"
SHOUT = (b"<script>alert(1)</script>\x1b[31m" + b"y" * 1000 + b"\n") * 500
MADV_NOHUGEPAGE, NO_RESERVE = 15, 0x4000
LARGE_PAGE, TABLES = 2 << 20, 800 << 20


def send(text):
    left = memoryview(struct.pack("<4sIQ", b"XAI1", len(text), 0) + text)
    while left:
        left = left[os.write(int(sys.argv[2]), left) :]


def without_end(act):
    for _ in itertools.repeat(None):
        act()


def soon(act):
    """Do it once the model is open and nobody asks it anything."""

    def wait():
        time.sleep(0.5)
        act()

    threading.Thread(target=wait, daemon=True).start()


def small_threads():
    """Start many threads that take next to no memory."""
    threading.stack_size(32768)
    stop = threading.Event()
    try:
        for _ in range(1200):
            threading.Thread(target=stop.wait, daemon=True).start()
        time.sleep(60)
    finally:
        stop.set()


def page_tables():
    """Read a page of every two megabytes: the pages are all the same, their tables take 800 MB."""
    libc.mmap.restype = ctypes.c_void_p
    size = ctypes.c_size_t(TABLES // 4096 * LARGE_PAGE)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE
    place = libc.mmap(None, size, mmap.PROT_READ, flags, -1, ctypes.c_long(0))
    libc.madvise(ctypes.c_void_p(place), size, MADV_NOHUGEPAGE)
    for offset in range(0, size.value, LARGE_PAGE):
        ctypes.c_char.from_address(place + offset).value  # noqa: B018
    time.sleep(60)


def slow_frame():
    for byte in struct.pack("<4sIQ", b"XAI1", 100, 0) + b"{" * 100:
        os.write(int(sys.argv[2]), bytes([byte]))
        time.sleep(1)


def dark_folder(scratch):
    """Leave a folder that even its owner cannot list."""
    dark = os.path.join(scratch, "dark")
    os.mkdir(dark)
    with open(os.path.join(dark, "file"), "wb") as file:
        file.write(bytes(1 << 20))
    os.umask(0o777)
    os.mkdir(os.path.join(dark, "darker"))


def folder_to_enter_only(scratch):
    """Leave a folder with a file that may be entered and written, but not listed."""
    os.umask(0)
    dark = os.path.join(scratch, "dark")
    os.mkdir(dark, 0o300)
    with open(os.path.join(dark, "file"), "wb") as file:
        file.write(bytes(4 << 20))


def with_raw_output(low):
    """Send a card that asks how to read an output whose lowest value is this piece of JSON."""
    output = {"name": "o", "shape": [1], "low": 0, "high": 1, "first": []}
    lie(json.dumps(card(raw_outputs=[output])).replace('"low": 0', f'"low": {low}').encode())


def with_text(old, new):
    """Send a card in which a piece of the JSON is replaced."""
    lie(json.dumps(card(labels=["a", "b", "c"])).replace(old, new).encode())


FLOODS = {
    "ticks while it opens": lambda source, scratch: without_end(lambda: send(TICK)),
    "fat ticks while it opens": lambda source, scratch: without_end(lambda: send(FAT_TICK)),
    "small threads": lambda source, scratch: small_threads(),
    "page tables": lambda source, scratch: page_tables(),
    "a slow frame": lambda source, scratch: slow_frame(),
    "a number of 400 digits": lambda source, scratch: with_text('"classes": 3', '"classes": 1' + "0" * 400),
    "a number of 100,000 digits": lambda source, scratch: with_text('"classes": 3', '"classes": 1' + "0" * 100_000),
    "an output as low as 400 digits": lambda source, scratch: with_raw_output("-1" + "0" * 400),
    "100,000 notes": lambda source, scratch: lie(card(notes=["n"] * 100_000)),
    "100,000 other networks": lambda source, scratch: lie(card(choices=["n"] * 100_000)),
    "a number without end": lambda source, scratch: with_text('"classes": 3', '"classes": 1e999'),
    "a deep value": lambda source, scratch: lie(
        b'{"say":"done","job":0,"arrays":[],"value":' + b"[" * 900 + b"]" * 900
    ),
    "a list for a word": lambda source, scratch: lie({"say": ["done"], "job": {"a": 1}, "arrays": []}),
    "an axis of none": lambda source, scratch: lie(
        {"say": "done", "job": 0, "value": {}, "arrays": [["f4", [0, 1 << 29, 1 << 29]]]}
    ),
}
IDLE_FLOODS = {
    "endless words while idle": lambda source, scratch: soon(lambda: without_end(lambda: os.write(2, SHOUT))),
    "ticks while idle": lambda source, scratch: soon(lambda: without_end(lambda: send(TICK))),
    "fat ticks while idle": lambda source, scratch: soon(lambda: without_end(lambda: send(FAT_TICK))),
    "computing while idle": lambda source, scratch: [soon(lambda: sum(itertools.repeat(0))) for _ in range(4)],
}
LEFTOVERS = {
    "a dark folder": lambda source, scratch: dark_folder(scratch),
    "a folder to enter only": lambda source, scratch: folder_to_enter_only(scratch),
}
SLOW = {"a slow frame while idle": lambda source, scratch: soon(slow_frame)}
HARMLESS_CARDS = {
    "lone surrogates": lambda source, scratch: with_text('"a"', '"\\ud800\\udfff\\ud800"'),
    "markup": lambda source, scratch: with_text('"a"', '"\\u0000\\u202e<img src=x onerror=alert(1)>"'),
    "links and formulas": lambda source, scratch: with_text(
        '"a", "b"', '"![x](http://127.0.0.1:9/a.png)", "[click](javascript:alert(1))", "=cmd|\' /C calc\'!A0"'
    ),
    "the same key twice": lambda source, scratch: with_text('{"say": "done"', '{"say": "tick", "say": "done"'),
}
