"""Files are read in a sandboxed process of their own, which stays warm for a while and ends when idle."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.xai_core.bias.people import people, xlsx
from tests.xai_core.pictures.test_files import encoded, png16, ramp
from tests.xai_core.pictures.test_formats import dicom, heic, npy
from tests.xai_core.services.parsing.test_questions import png, table
from xai_core.errors import DataError, ImageError
from xai_core.jobs.limits import Limits
from xai_core.pictures.files import open_picture
from xai_core.services.parsing.parser import SandboxedParser, picture_set
from xai_core.services.parsing.questions.open_picture import OpenPicture
from xai_core.services.parsing.questions.read_predictions import ReadPredictions

HERE = str(Path(__file__).parent)
SECONDS = 120


def opened(parser, data=None):
    return parser.ask(OpenPicture(png() if data is None else data, "cat.png"))


def until(true):
    """Wait until something is true, which a broken parser never makes it."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def process_of(parser):
    return parser._process._popen.pid


@pytest.fixture(scope="module")
def parser():
    made = SandboxedParser()
    yield made
    made.close()


def hostile_parser(seconds):
    """Return a parser that every file takes over at once."""
    return SandboxedParser(limits=Limits(open_seconds=seconds), answering="hostile_answers", extra_path=(HERE,))


@pytest.fixture(scope="module")
def hostile():
    made = hostile_parser(SECONDS)
    yield made
    made.close()


def test_one_process_reads_pictures_and_tables(parser):
    assert opened(parser).pixels.shape == (12, 16, 3)
    first = process_of(parser)
    assert parser.ask(ReadPredictions(table(), "x")).labels == ("cat", "dog", "=owl")
    assert process_of(parser) == first


SIXTEEN = np.tile(np.array([[0, 1000, 4095]], np.uint16), (9, 9, 1))  # 12 bits a colour, which OpenCV reads
FILES = {
    "AVIF": encoded(ramp(), "AVIF"),
    "HEIC": heic(),
    "DICOM": dicom(),
    "NPY": npy(np.asarray(ramp())),
    "PNG of 16 bits": png16(SIXTEEN),
}


@pytest.mark.parametrize("name", FILES)
def test_every_decoder_works_inside_the_sandbox(parser, name):
    picture, expected = parser.ask(OpenPicture(FILES[name], name)), open_picture(FILES[name])
    np.testing.assert_array_equal(picture.pixels, expected.pixels)
    assert picture.notes == expected.notes


def test_a_workbook_is_read_inside_the_sandbox(parser):
    assert len(parser.ask(ReadPredictions(xlsx(people()), "x"))) == 40


def test_a_file_that_cannot_be_read_ends_in_its_sentence_and_costs_no_process(parser):
    opened(parser)
    first = process_of(parser)
    with pytest.raises(ImageError, match="This is not a PNG, JPEG"):
        opened(parser, b"no picture")
    with pytest.raises(DataError, match="The true classes are missing"):
        parser.ask(ReadPredictions(b"a,b\n1,2\n", "x"))
    assert process_of(parser) == first


def test_threads_that_ask_at_the_same_time_all_get_their_answer(parser):
    levels: dict[int, int] = {}

    def ask(level: int) -> None:
        levels[level] = int(opened(parser, png(level=level)).pixels[0, 0, 0])

    threads = [threading.Thread(target=ask, args=(level,)) for level in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert levels == {level: level for level in range(8)}


def test_an_archive_is_read_where_it_lies(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("cats/a.png", png(level=10))
        archive.writestr("dogs/b.png", png(level=20))
    parser = SandboxedParser(str(tmp_path / "set.zip"))
    pictures = picture_set(parser, str(tmp_path / "set.zip"), "pets")
    assert (pictures.labels, pictures.files.tolist()) == (("cats", "dogs"), ["cats/a.png", "dogs/b.png"])
    parser.close()
    assert pictures.picture(1).pixels[0, 0].tolist() == [20, 20, 20]  # the process starts again
    parser.close()


def test_a_process_may_not_read_a_file_that_is_not_its_own(parser, tmp_path):
    (tmp_path / "other.zip").write_bytes(b"PK\3\4")
    with pytest.raises(DataError, match=r"The file other.zip does not exist or cannot be read"):
        picture_set(parser, str(tmp_path / "other.zip"), "x")


def test_an_idle_process_ends_and_the_next_question_starts_another():
    parser = SandboxedParser(idle_seconds=0.2)
    opened(parser)
    first = process_of(parser)
    until(lambda: not Path(f"/proc/{first}").exists())
    assert not parser.running
    assert opened(parser).pixels.shape == (12, 16, 3)
    parser.close()
    assert not parser.running


def test_a_process_that_was_killed_is_replaced(parser):
    opened(parser)
    os.kill(process_of(parser), signal.SIGKILL)
    until(lambda: not parser.running)
    assert opened(parser).pixels.shape == (12, 16, 3)


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ("read passwords", "tried to use a file outside its own folder and was stopped"),
        ("start a program", "tried to use a file outside its own folder and was stopped"),
        ("take memory", "Reading this file needs more than 2000 MB of memory. Use a smaller one."),
        ("stop", "The process that read this file stopped. Try again"),
        ("lie about the notes", "The process that read this file stopped. Try again"),
        ("lie about the pixels", "The process that read this file stopped. Try again"),
        ("lie about the bands", "The process that read this file stopped. Try again"),
        ("send too much", "The process that read this file stopped. Try again"),
        ("say nothing", "The process that read this file stopped. Try again"),
    ],
)
def test_a_parser_that_a_file_took_over_costs_only_its_own_process(hostile, deed, sentence):
    with pytest.raises(ImageError, match=sentence):
        opened(hostile, deed.encode())
    assert opened(hostile, b"open").pixels[0, 0].tolist() == [7, 7, 7]


def test_a_parser_that_never_ends_is_stopped_at_its_deadline():
    impatient = hostile_parser(1)
    with pytest.raises(ImageError, match=r"Reading this file takes longer than 1 s\. Use a smaller one\."):
        opened(impatient, b"never end")
    assert not impatient.running


def test_closing_does_not_wait_for_the_answer_to_a_question():
    busy, errors = hostile_parser(20), []

    def ask():
        with pytest.raises(ImageError) as raised:
            opened(busy, b"never end")
        errors.append(str(raised.value))

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: busy.running and not busy._process.idle)
    busy.close()
    asking.join(SECONDS)
    assert errors == ["The process that read this file stopped. Try again; if it stops again, the log says why."]


def test_a_full_disk_is_named(monkeypatch):
    def no_room(*given: object, **named: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("xai_core.jobs.process.private_folder", no_room)
    with pytest.raises(ImageError, match="The disk of the machine that runs Vitrine is full"):
        opened(SandboxedParser())


def test_a_disk_that_is_nearly_full_is_named(monkeypatch):
    monkeypatch.setattr("xai_core.jobs.launcher.free_bytes", lambda folder: 3 << 20)
    with pytest.raises(ImageError, match=r"The disk for temporary files is full: 3 MB are free"):
        opened(SandboxedParser())
