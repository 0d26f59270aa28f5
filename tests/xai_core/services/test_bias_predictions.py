from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.colour_sets import COLOURS, ColourRunner, coloured, picture_set, prepared
from tests.small_models.digits import LEAST_ACCURACY, coloured_digits
from vitrine.runner import local_runner
from xai_core.bias.pictures_in import read_picture_set
from xai_core.errors import DataError, JobError, ModelError
from xai_core.jobs.base import Status
from xai_core.services.bias_predictions import matched, predict_in_background
from xai_core.services.preparation import prepare
from xai_core.services.results_cache import ResultsCache
from xai_core.types import ModelSource

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture
def cache(tmp_path):
    return ResultsCache(tmp_path / "results", 1 << 24)


def test_all_pictures_are_asked_and_become_predictions():
    runner, pictures = ColourRunner(), picture_set()
    job = predict_in_background(runner, prepared(), pictures)
    found = job.result(120)
    assert runner.asked == [16, 16, 8]
    assert (found.name, found.labels) == ("colours.onnx", COLOURS)
    assert found.truth.tolist() == found.predicted.tolist() == coloured(40)[1].tolist()
    assert found.probabilities.max() == pytest.approx(200 / 240)
    assert found.attributes["sex"].tolist() == ["f", "m"] * 20
    assert found.files.tolist() == pictures.files.tolist()
    assert (job.answered, job.total, job.state.doing) == (40, 40, "40 of 40 pictures")


def test_what_was_answered_is_not_asked_again(cache):
    first, again = ColourRunner(), ColourRunner()
    found = predict_in_background(first, prepared(), picture_set(), cache).result(120)
    same = predict_in_background(again, prepared(), picture_set(), cache).result(120)
    assert again.asked == []
    np.testing.assert_array_equal(same.probabilities, found.probabilities)


@pytest.mark.parametrize(
    "other",
    [
        prepared(source=ModelSource("path", "colours.onnx", "cd" * 32)),
        prepared(source=ModelSource("path", "colours.onnx", "ab" * 32, "torchvision/resnet18")),
        prepared(scale=255.0),
    ],
)
def test_a_different_model_or_preprocessing_is_asked_again(cache, other):
    predict_in_background(ColourRunner(), prepared(), picture_set(), cache).result(120)
    runner = ColourRunner()
    predict_in_background(runner, other, picture_set(), cache).result(120)
    assert sum(runner.asked) == 40


def test_different_pictures_are_asked_about_again(cache):
    predict_in_background(ColourRunner(), prepared(), picture_set(), cache).result(120)
    runner = ColourRunner()
    predict_in_background(runner, prepared(), picture_set(seed=1), cache).result(120)
    assert sum(runner.asked) == 40


def test_a_cancelled_job_stops_and_the_next_one_goes_on_from_there(cache):
    reached, go_on, kept = threading.Event(), threading.Event(), threading.Event()

    def wait_in_the_second_request():
        if len(runner.asked) == 1:
            reached.set()
            go_on.wait(120)
            kept.set()

    runner = ColourRunner(wait_in_the_second_request)
    job = predict_in_background(runner, prepared(), picture_set(), cache)
    assert reached.wait(120)
    assert job.answered == 16
    job.cancel()
    assert job.state.status is Status.CANCELLED
    with pytest.raises(JobError, match="cancelled"):
        job.result(1)
    go_on.set()
    assert kept.wait(120)
    rest = ColourRunner()
    found = predict_in_background(rest, prepared(), picture_set(), cache).result(120)
    assert rest.asked in ([8], [16, 8])  # the request that was under way may be kept by now, or not yet
    assert found.truth.tolist() == found.predicted.tolist()
    assert len(runner.asked) == 2


def test_an_error_of_the_model_ends_the_job():
    def fail():
        raise ModelError("The model failed while it ran.")

    job = predict_in_background(ColourRunner(fail), prepared(), picture_set())
    assert job.wait(120).status is Status.FAILED
    with pytest.raises(ModelError, match="failed while it ran"):
        job.result()


def test_nobody_waits_for_ever_where_something_else_breaks():
    def fail():
        raise ZeroDivisionError

    job = predict_in_background(ColourRunner(fail), prepared(), picture_set())
    assert job.wait(120).status is Status.FAILED
    assert "stopped" in str(job.state.error)


def test_pictures_that_cannot_be_opened_are_skipped_and_named(cache):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for n, pixels in enumerate(coloured(20)[0]):
            part = io.BytesIO()
            Image.fromarray(pixels).save(part, "PNG")
            archive.writestr(f"red/{n:02}.png", b"broken" if n in (3, 17) else part.getvalue())
    for asked in ([15, 3], []):
        runner = ColourRunner()
        pictures = read_picture_set(buffer.getvalue(), "x")
        found = predict_in_background(runner, prepared(), pictures, cache).result(120)
        assert runner.asked == asked
        assert len(found) == 18
        assert "red/03.png" not in found.files.tolist()
        assert found.notes[-1] == "2 pictures cannot be opened and were skipped (red/03.png, red/17.png)."


def test_a_damaged_part_of_an_archive_costs_its_own_picture_only(cache):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for n, pixels in enumerate(coloured(3)[0]):
            part = io.BytesIO()
            Image.fromarray(pixels).save(part, "BMP")
            archive.writestr(f"red/{n}.bmp", part.getvalue())
    data = bytearray(buffer.getvalue())
    data[data.index(b"red/1.bmp") + 100] ^= 0xFF
    found = predict_in_background(ColourRunner(), prepared(), read_picture_set(bytes(data), "x"), cache).result(120)
    assert found.files.tolist() == ["red/0.bmp", "red/2.bmp"]


def test_a_set_without_a_readable_picture_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("red/1.png", b"broken")
    job = predict_in_background(ColourRunner(), prepared(), read_picture_set(buffer.getvalue(), "x"))
    with pytest.raises(DataError, match="None of the pictures can be opened"):
        job.result(120)


def test_one_output_is_the_probability_of_the_second_class():
    runner = ColourRunner(answer=lambda means: means[:, :1])
    found = predict_in_background(runner, prepared(["class 0"]), picture_set(labels=("no", "red"))).result(120)
    assert found.labels == ("no", "red")
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert found.probabilities[0, 1] == pytest.approx(coloured(40)[0][0, 0, 0, 0] / 255)
    assert any("which is read as the probability of red" in note for note in found.notes)


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        ({"head": "sigmoid"}, "3 labels independently .* Choose the label to judge.* choose softmax"),
        ({"head": "sigmoid", "head_known": True}, "Choose the label to judge.$"),
        ({"head": "none"}, "outputs of this model are not classes"),
        ({"head": "similarity"}, "outputs of this model are not classes"),
    ],
)
def test_a_model_that_does_not_predict_one_class_is_refused_before_it_is_asked(card, sentence):
    runner, usual = ColourRunner(), prepared()
    model = replace(usual, card=replace(usual.card, **card))
    with pytest.raises(DataError, match=sentence):
        predict_in_background(runner, model, picture_set()).result(120)
    assert runner.asked == []


def test_outputs_that_do_not_add_up_to_1_are_normalised_with_a_note():
    runner = ColourRunner(answer=lambda means: means)
    found = predict_in_background(runner, prepared(), picture_set()).result(120)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-6)
    assert any("do not add up to 1, so they were normalised" in note for note in found.notes)


@pytest.mark.parametrize(
    ("own", "labels", "truth"),
    [
        (("blue", "red"), COLOURS, [2, 0]),
        (("Dark Blue", "red"), ("red", "dark_blue"), [1, 0]),
        (("0", "2"), COLOURS, [0, 2]),
        (("0", "2"), ("class 0", "class 1", "class 2"), [0, 2]),
        (("crane",), ("crane", "heron", "crane"), [0]),
        (("5", "3"), ("3", "5"), [1, 0]),
    ],
)
def test_labels_are_matched_by_name_or_by_number(own, labels, truth):
    pictures = picture_set(40, own)
    found = matched(pictures, labels)
    assert found.labels == labels
    assert found.truth.tolist() == [truth[own.index(label)] for label in pictures.actual]
    assert found.notes == ()


def test_classes_without_names_are_matched_in_alphabetical_order():
    pictures = picture_set(40, ("red", "blue", "green"))
    found = matched(pictures, ("class 0", "class 1", "class 2"))
    assert found.labels == ("blue", "green", "red")
    assert [found.labels[n] for n in found.truth] == pictures.actual.tolist()
    assert "assumed to be blue, green, red, in alphabetical order" in found.notes[0]


def test_a_label_that_the_model_does_not_know_is_refused():
    with pytest.raises(
        DataError, match=r"The label 'pink' of \d+ pictures is not among the model's 3 classes \(red, green"
    ):
        matched(picture_set(40, ("pink", "red")), COLOURS)


@pytest.mark.long
def test_a_trained_model_is_right_about_pictures_that_it_has_not_seen(small_models, tmp_path):
    digits = coloured_digits().held_out
    np.savez(tmp_path / "some.npz", x=digits.pictures[:64], y=digits.classes[:64], classes=np.array(NAMES))
    path = small_models / "cnn.onnx"
    runner = local_runner()
    try:
        model = prepare(runner, ModelSource(str(path), path.name, "ef" * 32), (), (), chosen="imagenet")
        found = predict_in_background(runner, model, read_picture_set(tmp_path / "some.npz", "digits")).result(120)
    finally:
        runner.close()
    assert found.labels == NAMES
    assert (found.truth == found.predicted).mean() > LEAST_ACCURACY
