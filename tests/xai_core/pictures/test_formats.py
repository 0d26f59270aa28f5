"""Pictures of medicine, phones and notebooks open as a viewer shows them; pages are chosen."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pillow_heif
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from tests.xai_core.pictures.test_files import encoded, ramp
from xai_core.errors import ImageError
from xai_core.pictures import files
from xai_core.pictures.files import open_picture

GREYS = np.tile(np.arange(0, 1600, 100, dtype=np.uint16), (12, 1))


def npy(values: np.ndarray) -> bytes:
    written = io.BytesIO()
    np.save(written, values)
    return written.getvalue()


def dicom(pixels: np.ndarray = GREYS, syntax: str = ExplicitVRLittleEndian, **elements: object) -> bytes:
    """Return a DICOM file of (h, w), (n, h, w) or (h, w, 3) pixels with any further elements."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3"
    meta.TransferSyntaxUID = syntax
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    colours = pixels.ndim == 3 and pixels.shape[2] == 3
    data.Rows, data.Columns = pixels.shape[:2] if colours or pixels.ndim == 2 else pixels.shape[1:]
    data.SamplesPerPixel, data.PhotometricInterpretation = (3, "RGB") if colours else (1, "MONOCHROME2")
    data.BitsAllocated = data.BitsStored = 8 * pixels.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    if colours:
        data.PlanarConfiguration = 0
    for name, value in elements.items():
        setattr(data, name, value)
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OW"
    written = io.BytesIO()
    pydicom.dcmwrite(written, data, enforce_file_format=True)
    return written.getvalue()


def heic() -> bytes:
    written = io.BytesIO()
    pillow_heif.from_pillow(ramp(size=(64, 48))).save(written, quality=90)
    return written.getvalue()


def test_a_heic_photo_is_opened():
    picture = open_picture(heic())
    assert picture.pixels.shape == (48, 64, 3)
    assert picture.pixels[:, 0].mean() < 10 < 245 < picture.pixels[:, -1].mean()


def test_a_dicom_without_a_window_is_shown_from_its_darkest_to_its_brightest():
    picture = open_picture(dicom())
    assert picture.pixels[0, [0, 15], 0].tolist() == [0, 255]
    assert picture.notes == ("The file has no window; values from 0 to 1500 are shown.",)


def test_the_window_of_a_dicom_is_applied_to_rescaled_values():
    picture = open_picture(dicom(WindowCenter=0, WindowWidth=1000, RescaleSlope=2, RescaleIntercept=-1000))
    grey = picture.pixels[0, :, 0]
    assert grey[[0, 2, 8, 15]].tolist() == [0, 0, 255, 255]  # -1000, -600, 600 and 2000 HU
    assert abs(int(grey[5]) - 128) <= 1  # 0 HU
    assert picture.notes == ("The file's window was applied: centre 0, width 1000.",)


def test_the_first_of_several_windows_is_applied():
    picture = open_picture(dicom(WindowCenter=[500, 50], WindowWidth=[200, 10]))
    assert picture.pixels[0, [3, 7], 0].tolist() == [0, 255]


def test_signed_values_are_signed():
    picture = open_picture(dicom((GREYS.astype(np.int16) - 800), WindowCenter=0, WindowWidth=1600))
    assert abs(int(picture.pixels[0, 8, 0]) - 128) <= 1


def test_monochrome1_is_inverted():
    picture = open_picture(dicom(PhotometricInterpretation="MONOCHROME1"))
    assert picture.pixels[0, [0, 15], 0].tolist() == [255, 0]
    assert "inverted" in picture.notes[1]


def test_colours_of_a_dicom_stay():
    colours = np.tile(np.array([10, 20, 200], np.uint8), (12, 16, 1))
    assert open_picture(dicom(colours)).pixels[0, 0].tolist() == [10, 20, 200]


def test_a_frame_of_a_dicom_is_chosen():
    frames = np.stack([GREYS, GREYS[:, ::-1]])
    picture = open_picture(dicom(frames, NumberOfFrames=2), page=1)
    assert (picture.pages, picture.page, picture.pixels[0, 0, 0]) == (2, 1, 255)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (dicom()[:200], "damaged or contains no picture"),
        (b"\0" * 128 + b"DICM" + b"\xff" * 500, "damaged or contains no picture"),
        (dicom(Rows=400), "The DICOM file is damaged"),
        (dicom(Rows=60_000, Columns=60_000), "3600 megapixels"),
        (dicom(NumberOfFrames=2_000_000_000), "damaged or contains no picture"),
    ],
)
def test_a_bad_dicom_is_a_sentence(data, sentence):
    with pytest.raises(ImageError, match=sentence):
        open_picture(data)


def test_a_compression_that_cannot_be_read_is_named():
    with pytest.raises(ImageError, match="compressed as JPEG-LS Lossless Image Compression, which cannot be read"):
        open_picture(_compressed())


def _compressed() -> bytes:
    data = pydicom.dcmread(io.BytesIO(dicom()))
    data.file_meta.TransferSyntaxUID = JPEGLSLossless
    data.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8" + bytes(50)])
    data["PixelData"].is_undefined_length = True
    written = io.BytesIO()
    pydicom.dcmwrite(written, data, enforce_file_format=True)
    return written.getvalue()


RGB = np.asarray(ramp())


@pytest.mark.parametrize(
    ("values", "noted"),
    [
        (RGB, False),
        (RGB.transpose(2, 0, 1), False),
        (RGB[..., 0], False),
        (RGB[..., :1], False),
        (RGB[None], False),
        (RGB / 255, True),
        ((RGB / 255).astype(np.float16), True),
        (RGB.astype(np.uint16) * 257, True),
    ],
)
def test_an_array_is_a_picture(values, noted):
    picture = open_picture(npy(values))
    np.testing.assert_allclose(picture.pixels, RGB, atol=1)
    assert bool(picture.notes) is noted


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (npy(np.zeros((9, 9, 5, 5))), r"got the shape \(9, 9, 5, 5\)"),
        (npy(np.array(["a", "b"])), "got <U1 of shape"),
        (npy(np.full((9, 9), np.nan)), "not numbers"),
        (npy(RGB)[:-5], "stores 571 bytes. Save it again"),
        (npy(np.zeros((0, 4, 3))), r"of shape \(0, 4, 3\)"),
        (b"\x93NUMPY\1\0", "damaged"),
    ],
)
def test_a_bad_array_is_a_sentence(data, sentence):
    with pytest.raises(ImageError, match=sentence):
        open_picture(data)


def test_a_page_of_a_tiff_is_chosen_and_has_a_digest_of_its_own():
    pages = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    first, last = open_picture(data), open_picture(data, page=2)
    assert (first.pixels[0, 0].tolist(), last.pixels[0, 0].tolist()) == ([255, 0, 0], [0, 255, 0])
    assert (first.pages, first.digest) == (3, hashlib.sha256(data).hexdigest())
    assert (last.notes, last.digest != first.digest) == (("The file has 3 pages; this is page 3.",), True)
    with pytest.raises(ImageError, match=r"has 3 pages; there is no page 4\."):
        open_picture(data, page=3)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF"])
def test_a_picture_with_too_many_pixels_is_reduced_on_request(monkeypatch, file_format):
    monkeypatch.setattr(files, "MAX_PIXELS", 5_000)
    data = encoded(ramp(size=(160, 120)), file_format)
    with pytest.raises(ImageError, match="It can be reduced"):
        open_picture(data)
    picture = open_picture(data, reduce=True)
    assert picture.pixels.shape == (61, 81, 3)
    assert picture.pixels[:, 0].mean() < 20 < 235 < picture.pixels[:, -1].mean()
    assert picture.notes == ("The picture was reduced from 160x120 to 81x61 pixels.",)


def test_a_reduced_picture_is_upright(monkeypatch):
    monkeypatch.setattr(files, "MAX_PIXELS", 5_000)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = open_picture(encoded(ramp(size=(160, 120)), "JPEG", exif=exif), reduce=True)
    assert picture.pixels.shape == (81, 61, 3)
    assert picture.pixels[0].mean() < 30 < 220 < picture.pixels[-1].mean()


def test_a_small_picture_is_not_reduced():
    assert open_picture(encoded(ramp()), reduce=True).notes == ()
