"""Each answer about a file survives the wire, and one that makes no sense is refused."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from PIL import Image

from tests.bad_files.tables import pages
from tests.fakes_parser import DirectParser, over_the_wire
from xai_core.bias.predictions import Predictions
from xai_core.bias.predictions_file import predictions_csv
from xai_core.bias.proposing import propose
from xai_core.bias.reading import read_predictions
from xai_core.bias.repairs import Repairs
from xai_core.errors import DataError, ImageError
from xai_core.jobs.frames import BadFrame
from xai_core.labels import MAX_BYTES as MAX_LABEL_BYTES
from xai_core.labels import read_labels
from xai_core.pictures.files import MAX_BYTES, open_picture
from xai_core.pictures.opening import Opening
from xai_core.services.parsing import wire
from xai_core.services.parsing.parser import picture_set
from xai_core.services.parsing.questions.open_picture import OpenPicture
from xai_core.services.parsing.questions.propose_columns import ProposeColumns
from xai_core.services.parsing.questions.read_curves import ReadCurves
from xai_core.services.parsing.questions.read_history import ReadHistory
from xai_core.services.parsing.questions.read_label_map import ReadLabelMap
from xai_core.services.parsing.questions.read_labels import ReadLabels
from xai_core.services.parsing.questions.read_picture_set import DigestListed, ListPictures, OpenListed
from xai_core.services.parsing.questions.read_predictions import ReadPredictions
from xai_core.training.arrays import to_npz
from xai_core.training.curves import read_curves
from xai_core.training.history import History
from xai_core.training.reading import read_history


def png(height: int = 12, width: int = 16, level: int = 90) -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), level, np.uint8)).save(written, "PNG")
    return written.getvalue()


def table() -> bytes:
    rng = np.random.default_rng(0)
    return predictions_csv(
        Predictions(
            "mine",
            ("cat", "dog", "=owl"),
            np.array([0, 1, 2, 1]),
            np.array([0, 1, 1, 1]),
            rng.dirichlet(np.ones(3), 4).astype(np.float32),
            {"colour": np.array(["red", "", "@green", "red"]), "size": np.array(["1", "2", "1", "2"])},
            np.array(["a.png", "b.png", "-c.png", "ä.png"]),
            {"head": rng.normal(size=(4, 3)).astype(np.float32)},
        )
    ).encode()


def history() -> History:
    thumbnails = np.random.default_rng(1).integers(0, 255, (2, 8, 9, 3), np.uint8)
    return History(
        "run",
        ("cat", "dog"),
        np.array([[0, 1, -1], [1, 1, 0]]),
        np.array([0, -1]),
        np.array(["a", "b"]),
        ("1", "2", "3"),
        np.array(["a.png", ""]),
        {"loss": np.array([0.5, np.nan, 0.25])},
        (),
        thumbnails,
        np.array([[0.5, 0.75, np.nan], [1, 0.25, 0.5]], np.float32),
    )


def archive(tmp_path) -> str:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as files:
        files.writestr("labels.csv", "file,label,sex\na.png,cat,f\nb.png,dog,m\nc.png,dog,f\n")
        for name, data in (("a.png", png(level=10)), ("b.png", png(level=20)), ("c.png", b"no picture")):
            files.writestr(name, data)
    return str(path)


def assert_same(found: object, expected: object) -> None:
    """Assert that two records hold the same values."""
    for field in fields(expected):
        np.testing.assert_equal(getattr(found, field.name), getattr(expected, field.name))


def test_predictions_equal_those_read_in_this_process():
    data = table()
    found = DirectParser().ask(ReadPredictions(data, "mine"))
    assert_same(found, read_predictions(data, "mine"))
    assert (found.labels[2], found.attributes["colour"][2], found.files[2]) == ("=owl", "@green", "-c.png")


def test_a_page_reaches_the_reader_and_comes_back():
    data = pages(3, (16, 16))
    found = DirectParser().ask(OpenPicture(data, "scan.tif", Opening(page=3)))
    expected = open_picture(data, "scan.tif", page=2)
    assert (found.pages, found.page, found.digest) == (3, 2, expected.digest)
    question = OpenPicture(data, "scan.tif", Opening(page=3))
    values, arrays = question.answer_to_frame(expected)
    with pytest.raises(BadFrame):
        question.answer_from_frame({**values, "pages": 2}, arrays)


def test_roles_and_repairs_reach_the_reader():
    data, roles = b"a,b,c\n1,100,x\n0,0,y\n,50,x\n", {"y_true": "a", "prob_1": "b"}
    repairs = Repairs(percent=True, leave_out_rows=True)
    found = DirectParser().ask(ReadPredictions(data, "x", columns=roles, repairs=repairs))
    assert_same(found, read_predictions(data, "x", columns=roles, repairs=repairs))
    assert (len(found), found.labels) == (2, ("0", "1"))


@pytest.mark.parametrize(
    "data", [table(), b"True Label,P(a)\na,90\nb,10\n,50\n", b"y_true,y_pred\na,A\n", b"a,b\n1,2\n"]
)
def test_a_proposal_equals_the_one_made_in_this_process(data):
    assert_same(DirectParser().ask(ProposeColumns(data)), propose(data))


def test_a_proposal_that_makes_no_sense_is_not_believed():
    question = ProposeColumns(b"y_true,y_pred\na,b\n")
    values, arrays = question.answer_to_frame(question.answer())
    for changed in ({"pictures": -1}, {"preview": 3}, {"unusable": "many"}):
        with pytest.raises(BadFrame):
            question.answer_from_frame({**values, **changed}, list(arrays))
    with pytest.raises(BadFrame):
        question.answer_from_frame(values, [*arrays[:-1], np.array([2.0])])


def test_labels_and_normalise_reach_the_reader():
    data = b"y_true,prob_cat,prob_dog\n0,1,1\n1,3,1\n"
    with pytest.raises(DataError, match="do not add up to 1"):
        DirectParser().ask(ReadPredictions(data, "x", ("cat", "dog")))
    found = DirectParser().ask(ReadPredictions(data, "x", ("cat", "dog"), True))
    assert (found.labels, found.truth.tolist()) == (("cat", "dog"), [0, 1])
    np.testing.assert_array_equal(found.probabilities, [[0.5, 0.5], [0.75, 0.25]])


def test_a_history_equals_the_one_read_in_this_process():
    data = to_npz(history())
    found = DirectParser().ask(ReadHistory(data, "run"))
    assert_same(found, read_history(data, "run"))
    np.testing.assert_array_equal(found.pictures, history().pictures)


def test_curves_equal_those_read_in_this_process():
    data, epochs = b"epoch,loss,note\n1,0.5,a\n2,,b\n3,0.25,c\n", ("1", "2", "3")
    found, expected = DirectParser().ask(ReadCurves(data, epochs)), read_curves(data, epochs)
    assert found.notes == expected.notes
    np.testing.assert_equal(dict(found.values), dict(expected.values))


@pytest.mark.parametrize(("name", "expected"), [("a.csv", ("cat", "dög")), ("", ("cat,1", "dög,2"))])
def test_labels_equal_those_read_in_this_process(name, expected):
    data = "cat,1\ndög,2".encode()
    assert DirectParser().ask(ReadLabels(data, 2, name)) == read_labels(data, 2, name) == expected


def test_labels_may_name_the_background_first_if_they_are_a_detectors():
    data = b"background\ncat\ndog"
    assert DirectParser().ask(ReadLabels(data, 2, background=True)) == ("cat", "dog")
    with pytest.raises(DataError, match="contains 3 labels, but the model has 2 classes"):
        DirectParser().ask(ReadLabels(data, 2))


@pytest.mark.parametrize("labels", [[], ["cat"], ["cat", ""], ["cat", "x" * 301], ["cat", "dog", "emu"]])
def test_labels_that_no_file_of_two_classes_has_are_not_believed(labels):
    with pytest.raises(BadFrame):
        ReadLabels(b"", 2).answer_from_frame({}, wire.packed(labels))


@pytest.mark.long
def test_what_a_label_file_can_hold_at_most_fits_its_answer():
    most = DirectParser().ask(ReadLabels(b"a\n" * (MAX_LABEL_BYTES // 2)))
    assert len(most) == MAX_LABEL_BYTES // 2


def test_a_picture_equals_the_one_opened_in_this_process():
    found, expected = DirectParser().ask(OpenPicture(png(), "cat.png")), open_picture(png(), "cat.png")
    assert (found.name, found.digest, found.notes) == (expected.name, expected.digest, expected.notes)
    np.testing.assert_array_equal(found.pixels, expected.pixels)


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"", "The file is empty"), (bytes(MAX_BYTES + 1), "the limit for a picture is 64 MB")]
)
def test_a_picture_of_a_wrong_size_is_not_even_sent(data, sentence):
    with pytest.raises(ImageError, match=sentence):
        OpenPicture(data, "x").to_frame()


def test_labelled_pictures_are_listed_and_opened_one_by_one(tmp_path):
    found = picture_set(DirectParser(), archive(tmp_path), "pets", "label")
    assert (found.name, found.labels, found.actual.tolist()) == ("pets", ("cat", "dog"), ["cat", "dog", "dog"])
    assert (found.files.tolist(), found.attributes["sex"].tolist()) == (["a.png", "b.png", "c.png"], ["f", "m", "f"])
    assert found.picture(1).pixels[0, 0].tolist() == [20, 20, 20]
    assert found.digest(0) == hashlib.sha256(png(level=10)).hexdigest() == found.picture(0).digest
    with pytest.raises(ImageError, match="This is not a PNG"):
        found.picture(2)


def test_a_column_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="There is no column named 'kind'"):
        picture_set(DirectParser(), archive(tmp_path), "pets", "kind")


def answered(question):
    """Return a question's answer as it comes over the wire: its values and arrays."""
    return over_the_wire(question.answer_to_frame(question.answer()))


LIES = {
    "no arrays": lambda values, arrays: (values, []),
    "one array less": lambda values, arrays: (values, arrays[:-1]),
    "one array more": lambda values, arrays: (values, [*arrays, arrays[0]]),
    "no values": lambda values, arrays: ({}, arrays),
    "other types": lambda values, arrays: (values, [array.astype(np.float64) for array in arrays]),
    "other shapes": lambda values, arrays: (values, [array[None] for array in arrays]),
    "shorter arrays": lambda values, arrays: (values, [array[:-1] for array in arrays]),
    "notes that are none": lambda values, arrays: ({**values, "notes": 3}, arrays),
}


OF_PICTURES = {name: lie for name, lie in LIES.items() if name != "shorter arrays"}  # a lower picture is one too
ASKED = {
    "predictions": (ReadPredictions(table(), "x"), LIES),
    "history": (ReadHistory(to_npz(history()), "x"), LIES),
    "picture": (OpenPicture(png(), "x"), OF_PICTURES),
}
CASES = [(question, lie) for question, lies in ASKED.values() for lie in lies.values()]


@pytest.mark.parametrize(
    ("question", "lie"), CASES, ids=[f"{name}: {lie}" for name, (_, lies) in ASKED.items() for lie in lies]
)
def test_an_answer_that_makes_no_sense_is_refused(question, lie):
    with pytest.raises(BadFrame):
        question.answer_from_frame(*lie(*answered(question)))


@pytest.mark.parametrize(
    "shape", [(4, 16, 3), (16, 16, 4), (16, 16), (0, 16, 3)], ids=["low", "transparent", "grey", "empty"]
)
def test_pixels_that_are_not_a_picture_are_refused(shape):
    with pytest.raises(BadFrame, match="Expected"):
        OpenPicture(png(), "x").answer_from_frame({"notes": []}, [np.zeros(shape, np.uint8)])


@pytest.mark.parametrize(
    ("part", "values"),
    [("predictions", 7), ("predictions", -2), ("actual", 2), ("confidence", 1.5), ("confidence", np.inf)],
)
def test_a_history_of_impossible_values_is_refused(part, values):
    wrong = getattr(history(), part).copy()
    wrong.flat[0] = values
    question = ReadHistory(b"", "x")
    with pytest.raises(BadFrame):
        question.answer_from_frame(*over_the_wire(question.answer_to_frame(replace(history(), **{part: wrong}))))


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.2])
def test_impossible_probabilities_are_refused(value):
    question = ReadPredictions(table(), "x")
    wrong = question.answer()
    wrong.probabilities[0, 0] = value
    with pytest.raises(BadFrame, match="Expected probabilities"):
        question.answer_from_frame(*over_the_wire(question.answer_to_frame(wrong)))


def test_a_list_of_pictures_that_makes_no_sense_is_refused(tmp_path):
    question = ListPictures(archive(tmp_path), "x", "label")
    values, arrays = answered(question)
    for lie in ({**values, "pictures": 4}, {**values, "labels": 1}, {**values, "attributes": 3}):
        with pytest.raises(BadFrame):
            question.answer_from_frame(lie, arrays)
    with pytest.raises(BadFrame):
        question.answer_from_frame(values, [*arrays[:-1], arrays[-1] + 9])
    opened, digest = OpenListed(question.path, "label", 0), DigestListed(question.path, "label", 0)
    with pytest.raises(BadFrame, match="Expected a digest"):
        opened.answer_from_frame({**answered(opened)[0], "digest": "../.."}, answered(opened)[1])
    with pytest.raises(BadFrame):
        digest.answer_from_frame({}, [np.zeros(31, np.uint8)])


def test_names_arrive_printable_and_not_too_long():
    question = ReadPredictions(table(), "x")
    answer = replace(question.answer(), labels=("\x1b[31mcat", "d" * 5000, "owl"))
    found = question.answer_from_frame(*over_the_wire(question.answer_to_frame(answer)))
    assert found.labels == (" [31mcat", "d" * 1000, "owl")


def test_columns_whose_texts_would_fill_the_memory_are_refused(monkeypatch):
    column = np.array(["x" * 100, "y"] * 50)
    values, codes = wire.coded([column], 100)
    np.testing.assert_array_equal(wire.decoded(values, codes)[0], column)
    monkeypatch.setattr(wire, "LARGEST_COLUMNS", 100 * 4 * 99)
    with pytest.raises(BadFrame, match="take too much memory"):
        wire.decoded(values, codes)
    with pytest.raises(DataError, match="take too much memory"):
        wire.coded([column], 100)


def test_a_label_map_is_the_same_at_the_other_end():
    written = io.BytesIO()
    Image.fromarray(np.array([[0, 1, 255]], np.uint8)).save(written, "PNG")
    assert DirectParser().ask(ReadLabelMap(written.getvalue())).tolist() == [[0, 1, 255]]
    with pytest.raises(DataError, match="holds colours"):
        DirectParser().ask(ReadLabelMap(png()))
    with pytest.raises(BadFrame, match="Expected u1 with 2 axes"):
        ReadLabelMap(b"").answer_from_frame({}, [np.zeros((2, 2, 3), np.uint8)])
