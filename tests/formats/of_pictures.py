"""Pictures: the photo of a cat as other programs write it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

from tests.formats.asking import CAT_PHOTO, size_and_grey
from tests.formats.format import Format, Section, Write
from tests.xai_core.pictures.test_formats import dicom

ANSWER = "451 x 300, grey 112"


def photo(mode: str = "RGB") -> Image.Image:
    return Image.open(CAT_PHOTO).convert(mode)


def saved(name: str, mode: str = "RGB", **options: object) -> Write:
    """Return what writes the photo with Pillow."""

    def write(folder: Path) -> Path:
        photo(mode).save(folder / name, **options)  # type: ignore[arg-type]
        return folder / name

    return write


def written(name: str, content: Callable[[], bytes]) -> Write:
    """Return what writes `content` to a file."""

    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content())
        return folder / name

    return write


def heic() -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(photo()).save(file, quality=90)
    return file.getvalue()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(photo()))
    return file.getvalue()


def twelve_bits(folder: Path) -> Path:
    Image.fromarray(np.asarray(photo("L")).astype(np.uint16) << 4).save(folder / "scan.png")
    return folder / "scan.png"


def pages(folder: Path) -> Path:
    photo().save(folder / "pages.tif", save_all=True, append_images=[photo().rotate(180)])
    return folder / "pages.tif"


def huge(folder: Path) -> Path:
    Image.new("L", (9000, 6000), 112).save(folder / "huge.png")
    return folder / "huge.png"


PICTURES = Section(
    "Pictures",
    size_and_grey,
    (
        Format("PNG, JPEG, WebP, BMP, GIF, TIFF, PPM", saved("cat.jpg", quality=95), answer=ANSWER),
        Format("AVIF", saved("cat.avif"), answer=ANSWER),
        Format("HEIC", written("cat.heic", heic), answer=ANSWER),
        Format("CMYK, palette, grey, transparency", saved("cat.tif", "CMYK"), answer=ANSWER),
        Format("12 bits stored in 16", twelve_bits, answer=ANSWER, remedy="A note says that values were stretched."),
        Format("DICOM", written("scan.dcm", dicom), answer="16 x 12, grey 128"),
        Format("NPY array", written("cat.npy", array), answer=ANSWER),
        Format("TIFF of several pages", pages, answer=ANSWER, remedy="Choose the page beside the picture."),
        Format(
            "More than 40 megapixels",
            huge,
            "refused",
            "which is 54 megapixels. The limit is 40 megapixels.",
            "Ask for a smaller copy; the button is beside the message.",
            "7745 x 5163, grey 112",
            {"reduce": True},
        ),
        Format(
            "SVG",
            written("a.svg", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            "refused",
            "This is an SVG drawing, which has no pixels.",
            "Export it as PNG.",
        ),
    ),
)
