"""A segmentation is compared with a label map: intersections over unions as counted by hand."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from xai_core.errors import DataError
from xai_core.pictures.label_maps import read_label_map
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.overlap import compare

LABELS = ("background", "cat", "dog")
WAY = Preprocessing(2, 4, "squash")
PREDICTED = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], np.int32)


def compared(truth, size=(2, 4), labels=LABELS):
    return compare(PREDICTED, np.array(truth, np.uint8), labels, WAY, size)


def png(values, mode="L"):
    image, written = Image.fromarray(np.array(values, np.uint8), "L"), io.BytesIO()
    if mode == "P":
        image.putpalette(list(range(256)) * 3)
    image.convert(mode).save(written, "PNG") if mode == "RGB" else image.save(written, "PNG")
    return written.getvalue()


def test_the_overlaps_are_those_counted_by_hand():
    overlap = compared([[0, 1, 1, 1], [0, 0, 0, 255]])
    assert overlap.accuracy == pytest.approx(5 / 7)
    assert [each.iou for each in overlap.classes] == [pytest.approx(3 / 5), pytest.approx(2 / 4), None]
    assert overlap.mean_iou == pytest.approx((3 / 5 + 2 / 4) / 2)


def test_a_smaller_label_map_of_the_same_proportions_is_resized_and_said():
    overlap = compared([[0, 1]], size=(4, 8))
    assert overlap.accuracy == 1
    assert "2 x 1 pixels and the picture 8 x 4; it was resized" in overlap.notes[0]


@pytest.mark.parametrize(
    ("truth", "size", "sentence"),
    [
        ([[0, 7, 1, 1], [0, 0, 1, 1]], (2, 4), "holds the class 7, but the model has the classes 0 to 2"),
        ([[0, 1], [0, 1]], (2, 4), "their proportions differ"),
        ([[255] * 4] * 2, (2, 4), "No pixel of the label map counts"),
    ],
)
def test_a_label_map_that_does_not_fit_is_refused(truth, size, sentence):
    with pytest.raises(DataError, match=sentence):
        compared(truth, size)


def test_a_black_and_white_mask_is_background_and_foreground():
    overlap = compared([[0, 0, 255, 255]] * 2, labels=("background", "foreground"))
    assert overlap.mean_iou == 1
    assert overlap.notes == (
        "The label map holds 0 and 255 only; 255 was read as the class foreground, not as pixels that do not count.",
    )


@pytest.mark.parametrize("mode", ["L", "P"])
def test_gray_values_and_palette_indices_are_class_numbers(mode):
    assert read_label_map(png([[0, 1], [2, 255]], mode)).tolist() == [[0, 1], [2, 255]]


@pytest.mark.parametrize(("data", "sentence"), [(png([[1, 2]], "RGB"), "holds colours"), (b"no", "cannot be read")])
def test_what_holds_no_class_numbers_is_refused(data, sentence):
    with pytest.raises(DataError, match=sentence):
        read_label_map(data)


@pytest.mark.parametrize(("kind", "sentence"), [("TIFF", "holds the number -250"), ("JPEG", "JPEG is not taken")])
def test_numbers_that_are_no_classes_are_refused(kind, sentence):
    written = io.BytesIO()
    values = np.full((2, 2), -250 if kind == "TIFF" else 1, np.int32 if kind == "TIFF" else np.uint8)
    Image.fromarray(values).save(written, kind)
    with pytest.raises(DataError, match=sentence):
        read_label_map(written.getvalue())
