"""Pictures in the system's viewer."""

from __future__ import annotations

import pytest
from PIL import Image, ImageShow

from vitrine.drawing import NO_VIEWER, show_in_viewer
from xai_core.errors import DataError

PICTURE = Image.new("RGB", (4, 3))


class Viewer(ImageShow.Viewer):
    def __init__(self):
        self.shown = []

    def show(self, image, **options):
        self.shown.append(image)
        return True


@pytest.fixture
def with_viewers(monkeypatch):
    def put(*viewers, screen=":0"):
        monkeypatch.setattr(ImageShow, "_viewers", list(viewers))
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.setenv("DISPLAY", screen)

    return put


def test_the_first_viewer_shows_the_picture(with_viewers):
    first, second = Viewer(), Viewer()
    with_viewers(first, second)
    show_in_viewer(PICTURE)
    assert (first.shown, second.shown) == ([PICTURE], [])


@pytest.mark.parametrize("screen", ["", ":0"])
def test_without_a_screen_or_a_viewer_it_says_what_to_do(with_viewers, screen):
    viewer = Viewer()
    with_viewers(*([] if screen else [viewer]), screen=screen)
    with pytest.raises(DataError) as error:
        show_in_viewer(PICTURE)
    assert str(error.value) == NO_VIEWER
    assert viewer.shown == []


def test_the_viewer_of_notebooks_does_not_count_elsewhere(with_viewers):
    pytest.importorskip("IPython")
    with_viewers(ImageShow.IPythonViewer())
    with pytest.raises(DataError, match=r"Call save\(folder\)"):
        show_in_viewer(PICTURE)
