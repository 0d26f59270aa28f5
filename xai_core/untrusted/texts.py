"""Texts from files, bounded: in an array, every text takes as many bytes as the longest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xai_core.errors import DataError
from xai_core.types import Texts

LONGEST_TEXT = 1_000  # characters
LARGEST = 256 << 20  # bytes of one array of texts
_BYTES = 4  # of a character in an array


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


def _most(count: int) -> int:
    return LARGEST // (_BYTES * max(1, count))
