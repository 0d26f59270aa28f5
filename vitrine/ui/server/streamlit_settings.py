"""Keep what Streamlit would compute again for every run, and make its ids of pictures unpredictable."""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections.abc import Callable
from functools import cache

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session, memory_media_file_storage

SWITCH_SECONDS = 0.001  # with Python's own 5 ms, the thread that talks to browsers waits behind every run of a page
PopulateTheme = Callable[..., None]
FileId = Callable[..., str]


def apply() -> None:
    """Apply all settings; call it once per process."""
    sys.setswitchinterval(SWITCH_SECONDS)
    app_session._populate_theme_msg = kept_theme(app_session._populate_theme_msg)
    memory_media_file_storage._calculate_file_id = secret_ids(memory_media_file_storage._calculate_file_id)


def kept_theme(populate: PopulateTheme) -> PopulateTheme:
    """Return a function that reads the theme's settings once; Streamlit reads about 300 in every run."""

    @cache
    def theme(section: str) -> CustomThemeConfig:
        fresh = CustomThemeConfig()
        populate(fresh, section)
        return fresh

    def populate_again(message: CustomThemeConfig, section: str = "theme") -> None:
        if theme(section).ByteSize():
            message.MergeFrom(theme(section))

    return populate_again


def secret_ids(file_id: FileId) -> FileId:
    """Return a function whose ids of media files cannot be computed from their content.

    An id is the address of the file. Streamlit's own is a digest of the content, so anyone who has a picture could find
    out whether other users have it open.
    """
    key = secrets.token_bytes(32)

    def secret(data: bytes, mimetype: str, filename: str | None = None) -> str:
        plain = file_id(data, mimetype, filename)
        return hashlib.blake2b(plain.encode(), key=key, digest_size=16).hexdigest()

    return secret
