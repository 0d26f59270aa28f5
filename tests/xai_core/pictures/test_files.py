from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitrine.samples import sample_photos
from xai_core.errors import ImageError
from xai_core.pictures.files import MAX_BYTES, open_picture, picture_of


def encoded(image: Image.Image, file_format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def ramp(mode: str = "RGB", size: tuple[int, int] = (16, 12)) -> Image.Image:
    width, height = size
    row = np.linspace(0, 255, width).astype(np.uint8)
    return Image.fromarray(np.tile(row[None, :, None], (height, 1, 3))).convert(mode)


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels_follow = struct.pack(">I", 0) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + pixels_follow


def png16(values: np.ndarray) -> bytes:
    """Return a PNG of 16 bits a colour, which Pillow cannot write."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(b)) + kind + b + struct.pack(">I", zlib.crc32(kind + b)) for kind, b in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "AVIF"])
def test_each_common_format_gives_8_bit_rgb(file_format):
    picture = open_picture(encoded(ramp(), file_format), "ramp")
    assert picture.pixels.shape == (12, 16, 3)
    assert picture.pixels.dtype == np.uint8
    assert abs(int(picture.pixels[6, 8, 0]) - 136) < 12
    assert picture.notes == ()


def test_a_picture_carries_its_name_and_the_digest_of_its_bytes(tmp_path: Path):
    path = tmp_path / "ramp.png"
    path.write_bytes(encoded(ramp()))
    picture = open_picture(path)
    assert picture.name == "ramp.png"
    assert picture.digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [("L", "PNG"), ("1", "PNG"), ("P", "PNG"), ("CMYK", "JPEG"), ("YCbCr", "JPEG"), ("LAB", "TIFF")],
)
def test_other_colour_modes_become_rgb(mode, file_format):
    picture = open_picture(encoded(ramp(mode), file_format))
    assert picture.pixels.shape == (12, 16, 3)
    assert picture.pixels[:, 0].mean() < 20
    assert picture.pixels[:, -1].mean() > 235


def test_a_cmyk_picture_gets_a_note():
    assert "CMYK" in open_picture(encoded(ramp("CMYK"), "TIFF")).notes[0]


def test_a_picture_is_rotated_as_its_exif_data_specify():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise
    picture = open_picture(encoded(ramp(), "JPEG", exif=exif))
    assert picture.pixels.shape == (16, 12, 3)
    assert picture.pixels[0].mean() < 30 < 220 < picture.pixels[-1].mean()
    assert "rotated" in picture.notes[0]


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_stored_in_16_are_stretched_with_a_note(bits):
    top = 2**bits - 1
    deep = np.tile(np.array([0, top // 2, top], np.uint16).repeat(4), (8, 1))
    picture = open_picture(encoded(Image.fromarray(deep)))
    assert picture.pixels[0, ::4, 1].tolist() == [0, 127, 255]
    assert f"as if {bits} bits were stored in 16" in picture.notes[0]


def test_12_bits_a_colour_stored_in_16_are_stretched_with_a_note():
    colours = np.tile(np.array([[0, 1000, 4095]], np.uint16), (9, 9, 1))
    picture = open_picture(png16(colours))
    assert picture.pixels[0, 0].tolist() == [0, 62, 255]
    assert "as if 12 bits were stored in 16" in picture.notes[0]
    assert open_picture(png16(colours * 16)).notes == ()


def test_16_bits_are_scaled_to_8_bits_with_a_note():
    deep = np.tile(np.array([0, 32768, 65535], np.uint16).repeat(4), (8, 1))
    picture = open_picture(encoded(Image.fromarray(deep)))
    assert picture.pixels[0, ::4, 1].tolist() == [0, 128, 255]
    assert "8 bits" in picture.notes[0]


@pytest.mark.parametrize(("top", "white"), [(1.0, 255), (255.0, 255), (65535.0, 255), (0.5, 128)])
def test_a_float_tiff_keeps_its_usual_range(top, white):
    values = np.tile(np.linspace(0, top, 9, dtype=np.float32), (9, 1))
    picture = open_picture(encoded(Image.fromarray(values), "TIFF"))
    assert picture.pixels[0, 0].tolist() == [0, 0, 0]
    assert picture.pixels[0, -1, 0] == white


def test_a_float_tiff_with_negative_values_is_scaled_to_its_own_range():
    values = np.tile(np.linspace(-3, 1, 9, dtype=np.float32), (9, 1))
    picture = open_picture(encoded(Image.fromarray(values), "TIFF"))
    assert (picture.pixels[0, 0, 0], picture.pixels[0, 4, 0], picture.pixels[0, -1, 0]) == (0, 128, 255)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_values_that_are_not_numbers_are_refused(broken):
    values = np.zeros((9, 9), np.float32)
    values[4, 4] = broken
    with pytest.raises(ImageError, match="not numbers"):
        open_picture(encoded(Image.fromarray(values), "TIFF"))


def test_transparent_areas_become_white_with_a_note():
    layer = ramp("RGBA")
    layer.putalpha(Image.new("L", layer.size, 0))
    picture = open_picture(encoded(layer))
    assert picture.pixels.min() == 255
    assert "white" in picture.notes[0]


def test_a_transparent_palette_entry_becomes_white():
    palette = ramp("P")
    picture = open_picture(encoded(palette, transparency=palette.getpixel((0, 0))))
    assert picture.pixels[0, 0].tolist() == [255, 255, 255]


def test_an_alpha_channel_that_hides_nothing_needs_no_note():
    assert open_picture(encoded(ramp("RGBA"))).notes == ()


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_the_first_frame_of_an_animation_is_used(file_format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    picture = open_picture(encoded(frames[0], file_format, save_all=True, append_images=frames[1:]))
    assert picture.pixels[8, 8, 0] > 240 > 20 > picture.pixels[8, 8, 2]
    assert "first one" in picture.notes[0]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"just some text", "not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing, which has no pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a PNG"),
        (encoded(ramp(size=(1, 1))), "1x1; both sides must be at least 8"),
        (encoded(ramp(size=(60000, 1))), "60000x1; its longer side"),
        (png_header(8000, 6000), "8000x6000, which is 48 megapixels. The limit is 40"),
        (png_header(8000, 6000), "It can be reduced to that while it is opened."),
        (png_header(15000, 11000), "165 megapixels. The limit is 40 megapixels. Reduce its size"),
        (png_header(60000, 60000), "too many pixels. The limit is 40"),
        (b"\0" * (MAX_BYTES + 1), "has 64 MB; the limit for a picture is 64 MB"),
    ],
    ids=[
        "empty",
        "text",
        "svg",
        "eps",
        "1x1",
        "60000x1",
        "48 megapixels",
        "reducible",
        "165 megapixels",
        "bomb",
        "too large",
    ],
)
def test_an_unusable_picture_is_refused_with_the_reason(data, sentence):
    with pytest.raises(ImageError, match=sentence):
        open_picture(data)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "AVIF"])
def test_a_truncated_picture_is_refused(file_format):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), file_format)
    with pytest.raises(ImageError, match=r"damaged or incomplete|not a PNG"):
        open_picture(data[: len(data) // 2])


def test_a_truncated_animation_is_refused_or_opens():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    refused = 0
    for length in range(1, len(data)):
        try:
            assert open_picture(data[:length]).pixels.shape == (16, 16, 3)
        except ImageError:
            refused += 1
    assert 0 < refused < len(data) - 1


def test_a_missing_file_is_reported_without_its_folder(tmp_path: Path):
    with pytest.raises(ImageError, match=r"gone\.png does not exist or cannot be read") as caught:
        open_picture(tmp_path / "gone.png")
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_is_refused(tmp_path: Path):
    with pytest.raises(ImageError, match="cannot be read"):
        open_picture(tmp_path)


def test_the_photos_of_the_samples_open_without_a_note():
    assert [photo.picture().notes for photo in sample_photos()] == [()] * 7


def test_a_pillow_image_is_a_picture_by_its_values_alone():
    values = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    picture = picture_of(Image.fromarray(values), "noise")
    assert np.array_equal(picture.pixels, values)
    assert picture.name == "noise"
    assert picture.digest == picture_of(Image.fromarray(values.copy()), "again").digest
    assert picture.digest != picture_of(Image.fromarray(values.reshape(16, 12, 3)), "noise").digest


def test_a_pillow_image_that_is_too_small_is_refused():
    with pytest.raises(ImageError, match="4x4"):
        picture_of(Image.new("RGB", (4, 4)), "tiny")
