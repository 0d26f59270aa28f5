"""Texts from files, bounded: in an array, every text takes as many bytes as the longest."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import numpy as np

from xai_core.errors import DataError
from xai_core.types import Texts

LONGEST_TEXT = 1_000  # characters
LARGEST = 256 << 20  # bytes of one array of texts
_BYTES = 4  # of a character in an array
_SEEN, _ZEROS = 4096, 0.9  # bytes looked at; share of zero bytes that makes a text UTF-16


def text_array(texts: Sequence[str], what: str) -> Texts:
    """Return texts as an array, without lone surrogates, which cannot be written; DataError if they are too long.

    what: where the texts stand, for the message.
    """
    longest = max(map(len, texts), default=0)
    if longest > LONGEST_TEXT or longest * len(texts) * _BYTES > LARGEST:
        raise DataError(
            f"A text in {what[:60]} has {longest:,} characters; at most {min(LONGEST_TEXT, _most(len(texts))):,} are "
            f"read for each of {len(texts):,}. Shorten it."
        )
    return np.array(list(map(writable, texts)), np.str_)


def writable(text: str) -> str:
    """Return a text with question marks for lone surrogates, which JSON can hold but no file can."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-16 as Excel and PowerShell write it, UTF-8, or else Latin-1."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").removesuffix("\ufffd")
    if (without_mark := _utf_16(data[:_SEEN])) is not None:
        return data.decode(without_mark, "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _utf_16(start: bytes) -> str | None:
    """Return the encoding of a text whose every other byte is zero, as in UTF-16 without a mark; None otherwise."""
    pairs = max(1, len(start) // 2)
    zeros = [start[first::2].count(0) / pairs for first in (0, 1)]
    if max(zeros) < _ZEROS or min(zeros) > 1 - _ZEROS:
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _most(count: int) -> int:
    return LARGEST // (_BYTES * max(1, count))
