"""Pages of a file are chosen, and pictures with too many pixels are reduced, where pictures are added."""

from __future__ import annotations

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import text_of
from tests.pages.test_choosing import explaining
from tests.xai_core.pictures.test_files import encoded, ramp
from vitrine.ui import picture_tray
from xai_core.pictures import files

COLOURS = {1: "red", 2: "blue", 3: "lime"}


@pytest.fixture
def tray(app: AppTest, instant: object) -> AppTest:
    app.session_state["automatic"] = False
    return explaining(app)


def upload(app: AppTest, data: bytes, name: str) -> AppTest:
    return app.file_uploader(key="pictures.0").upload(name, data).run()


def chosen(app: AppTest) -> list[tuple[int, ...]]:
    pictures = app.session_state["workspace"].pictures
    return [tuple(pictures[digest].pixels[0, 0].tolist()) for digest in app.session_state[picture_tray.SEVERAL]]


def test_a_page_of_a_tiff_is_chosen(tray: AppTest) -> None:
    pages = [Image.new("RGB", (16, 16), colour) for colour in COLOURS.values()]
    upload(tray, encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "scan.tif")
    field = next(each for each in tray.number_input if each.label.startswith("Page of"))
    assert (field.value, field.max) == (1, 3)
    tray.session_state[picture_tray.SEVERAL] = [field.key.removeprefix("page.")]
    field.set_value(3).run()
    assert chosen(tray) == [(0, 255, 0)]
    assert "this is page 3" in text_of(tray)


def test_a_picture_with_too_many_pixels_is_reduced_on_request(tray: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_PIXELS", 5_000)
    upload(tray, encoded(ramp(size=(160, 120))), "large.png")
    assert "It can be reduced" in text_of(tray)
    tray.button(key="reduce.large.png").click().run()
    assert not tray.error
    assert "reduced from 160x120 to 81x61 pixels" in text_of(tray)
