"""Photos as the browser gets them: each is encoded once for all tabs, however often a page runs."""

from __future__ import annotations

import hashlib
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from vitrine.ui.drawing.memo import Memo
from xai_core.pictures.overlays import jpeg_bytes

KEPT_PHOTOS = 256
_lock = Lock()
_photos = Memo(KEPT_PHOTOS)


def jpeg(photo: NDArray[np.uint8]) -> bytes:
    """Return a photo, (h, w, 3), as JPEG; the most recent ones are kept."""
    pixels = np.ascontiguousarray(photo)
    key = (pixels.shape, hashlib.sha256(pixels.data).digest())
    with _lock:
        known: bytes | None = _photos.get(key)
    encoded = known or jpeg_bytes(pixels)
    with _lock:
        return _photos.once(key, lambda: encoded)
