"""Pictures for a notebook: the photo beside its overlay, with a title and a caption."""

from __future__ import annotations

import base64
import io
import os
import sys
from collections.abc import Sequence
from html import escape
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageShow

from xai_core.errors import DataError

SIDE = 320  # pixels of the longer side of a picture in a notebook
GAP = 8
COLOURS = 256
TITLE_SIZE, CAPTION_SIZE, LINE = 16, 12, 1.4
LETTER = 0.55  # mean width of a letter as a share of the font size
NO_VIEWER = "This system has no screen or no program that shows pictures. Call save(folder) and open overlay.png there."
INK, PAPER = (23, 33, 43), (255, 255, 255)


def side_by_side(pictures: Sequence[NDArray[np.uint8]]) -> Image.Image:
    """Return pictures (h, w, 3) of equal shape in one row, each with a longer side of at most 320 pixels."""
    shown = [shown_at(Image.fromarray(picture)) for picture in pictures]
    width = sum(picture.width for picture in shown) + GAP * (len(shown) - 1)
    row = Image.new("RGB", (width, shown[0].height), PAPER)
    for position, picture in enumerate(shown):
        row.paste(picture, (position * (picture.width + GAP), 0))
    return row


def captioned(row: Image.Image, title: str, caption: str) -> Image.Image:
    """Return a picture with a title above and a caption below, wrapped to its width."""
    above = _lines(title, row.width, TITLE_SIZE)
    below = _lines(caption, row.width, CAPTION_SIZE)
    top, bottom = _height(above, TITLE_SIZE), _height(below, CAPTION_SIZE)
    whole = Image.new("RGB", (row.width, top + row.height + bottom), PAPER)
    whole.paste(row, (0, top))
    _write(whole, above, 0, TITLE_SIZE)
    _write(whole, below, top + row.height + GAP // 2, CAPTION_SIZE)
    return whole


def figure(row: Image.Image, title: str, caption: str, notes: Sequence[str]) -> str:
    """Return a picture with its title, caption and notes as HTML; the text alternative is the title."""
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f'<figure style="margin:0"><figcaption><b>{escape(title)}</b></figcaption>'
        f'<img alt="{escape(title, quote=True)}" src="data:image/webp;base64,{_webp(row)}">'
        f"<figcaption>{escape(caption)}</figcaption>{f'<ul>{listed}</ul>' if listed else ''}</figure>"
    )


def shown_at(picture: Image.Image, longest: int = SIDE) -> Image.Image:
    """Return a picture with a longer side of at most `longest` pixels."""
    share = min(1.0, longest / max(picture.size))
    return picture.resize((max(1, round(picture.width * share)), max(1, round(picture.height * share))))


def show_in_viewer(picture: Image.Image) -> None:
    """Show a picture in the system's viewer. DataError says what to do where there is none."""
    in_notebooks = getattr(ImageShow, "IPythonViewer", ())  # outside of them it succeeds, and shows nothing
    viewers = [viewer for viewer in ImageShow._viewers if not isinstance(viewer, in_notebooks)]
    has_screen = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not (has_screen and any(viewer.show(picture) for viewer in viewers)):
        raise DataError(NO_VIEWER)


def as_png(picture: Image.Image) -> bytes:
    """Encode a picture as a PNG of 256 colours, a third of the size, since notebooks keep every picture they show."""
    buffer = io.BytesIO()
    picture.quantize(COLOURS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _webp(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=85)
    return base64.b64encode(buffer.getvalue()).decode()


def _lines(text: str, width: int, size: int) -> list[str]:
    return wrap(text, max(10, int(width / (size * LETTER))))


def _height(lines: Sequence[str], size: int) -> int:
    return round(len(lines) * size * LINE) + GAP if lines else 0


def _write(whole: Image.Image, lines: Sequence[str], top: int, size: int) -> None:
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(size)
    for number, line in enumerate(lines):
        pen.text((0, top + round(number * size * LINE)), line, fill=INK, font=font)
