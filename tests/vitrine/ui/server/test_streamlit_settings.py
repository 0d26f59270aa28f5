"""The theme is read once and stays as it was; the address of a media file cannot be computed from its content."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from streamlit.config import CustomThemeCategories
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session, memory_media_file_storage

from vitrine.ui.server import streamlit_settings

SECTIONS = ["theme", *(f"theme.{category.value}" for category in CustomThemeCategories)]


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings, for one test."""
    for module, name in ((app_session, "_populate_theme_msg"), (memory_media_file_storage, "_calculate_file_id")):
        monkeypatch.setattr(module, name, getattr(module, name))
    before = sys.getswitchinterval()
    streamlit_settings.apply()
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_kept_theme_is_streamlits_own(section: str) -> None:
    own, kept = CustomThemeConfig(), CustomThemeConfig()
    populate = streamlit_settings.kept_theme(app_session._populate_theme_msg)
    app_session._populate_theme_msg(own, section)
    for _ in range(2):
        populate(kept, section)
    assert kept == own


def test_the_theme_is_read_once() -> None:
    read: list[str] = []

    def populate(message: CustomThemeConfig, section: str) -> None:
        read.append(section)
        message.primary_color = "#0b6e8f"

    again = streamlit_settings.kept_theme(populate)
    messages = [CustomThemeConfig(), CustomThemeConfig()]
    for message in messages:
        again(message)
    assert (read, [message.primary_color for message in messages]) == (["theme"], ["#0b6e8f"] * 2)


def test_equal_pictures_share_an_id_that_differs_between_processes() -> None:
    plain = memory_media_file_storage._calculate_file_id
    ours, others = streamlit_settings.secret_ids(plain), streamlit_settings.secret_ids(plain)
    assert ours(b"picture", "image/png") == ours(b"picture", "image/png")
    ids = {plain(b"picture", "image/png"), ours(b"picture", "image/png"), others(b"picture", "image/png")}
    assert len(ids) == 3


def test_a_stored_picture_has_such_an_id(applied: None) -> None:
    storage = memory_media_file_storage.MemoryMediaFileStorage("/media")
    kept = storage.load_and_get_id(b"picture", "image/png", memory_media_file_storage.MediaFileKind.MEDIA)
    assert storage.get_file(f"{kept}.png").content == b"picture"
    assert kept == memory_media_file_storage._calculate_file_id(b"picture", "image/png")
