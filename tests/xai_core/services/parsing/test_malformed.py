"""Each malformed file ends in a sentence, whatever it is given to, within its deadline, and costs no process."""

from __future__ import annotations

from functools import cache

import pytest

from tests.bad_files.tables import FILES
from tests.xai_core.services.parsing.readers import READERS, is_a_sentence, outcome
from xai_core.jobs.limits import Limits
from xai_core.services.parsing.parser import SandboxedParser

SECONDS = 30  # far more than any of them takes on a quiet machine
READ = {  # everything else is refused
    "predictions": {
        "invalid UTF-8", "an open quote", "3,000 epochs", "an integer of 400 digits", "an integer of 25 digits",
        "an infinite class", "a class that is no number", "a negative class", "a class of a billion", "booleans",
        "carriage returns alone",
        "complex numbers", "exponents", "formulas", "lone surrogates in UTF-8", "parquet of bytes", "UTF-16",
        "two labels a cell", "JSON records of lone surrogates", "JSON records of huge numbers",
    },
    "columns": {  # every table with a row, whatever it means
        "UTF-16", "invalid UTF-8", "an open quote", "3,000 epochs", "long cells in many rows",
        "an integer of 400 digits", "an integer of 25 digits", "an epoch of 5,000 digits", "an infinite class",
        "a class that is no number", "a negative class", "a class of a billion", "booleans", "complex numbers",
        "exponents", "control characters", "zeros inside", "carriage returns alone", "formulas",
        "lone surrogates in UTF-8", "a probability of inf", "heads without numbers", "cut UTF-16",
        "percent signs alone", "commas for numbers", "two labels a cell", "a million epochs", "parquet of nulls",
        "parquet of bytes", "JSON records", "JSON records of lone surrogates", "JSON records of huge numbers",
        "PNG signature alone", "EPS",
    },
    "history": {
        "3,000 epochs", "an integer of 400 digits", "a class that is no number", "booleans", "complex numbers",
        "carriage returns alone",
        "formulas", "a path upwards", "lone surrogates", "JSON lone surrogates", "JSON labels as text",
        "JSON classifications as text", "JSON UTF-16", "JSON duplicate keys", "JSON picture that is none",
    },
    "curves": {
        "an open quote", "long cells in many rows", "an integer of 400 digits", "an integer of 25 digits",
        "an infinite class", "a negative class", "a class of a billion", "booleans", "exponents", "no names",
        "zeros inside", "a probability of inf", "heads without numbers", "percent signs alone",
    },
    "labels": {
        "ragged", "no names", "names that meet when stripped", "a probability of inf", "heads without numbers",
        "commas for numbers", "percent signs alone",
    },
    "picture": {"PNG with too many pixels"},
}  # fmt: skip
LARGE = {  # they take seconds each to write or to read
    "JSON of a million names", "xlsx of 300 MB", "3,000 epochs", "commas only", "parquet of repeated texts",
    "long names in many rows", "a million distinct columns", "60,000 entries", "a million columns",
    "long cells in many rows", "parquet of many zeros", "20,000 members",
}  # fmt: skip
BY_SIZE = [pytest.param(name, marks=pytest.mark.long if name in LARGE else ()) for name in FILES]


@pytest.fixture(scope="module")
def parser():
    made = SandboxedParser(limits=Limits(open_seconds=SECONDS))
    yield made
    made.close()


@pytest.fixture(scope="module")
def contents():
    """Each file, written once for all readers."""
    return cache(lambda name: FILES[name]())


@pytest.mark.parametrize("name", BY_SIZE)
def test_a_malformed_file_ends_in_a_sentence_in_every_reader(parser, contents, name):
    for reader in READERS:
        sentence = outcome(parser, reader, contents(name))
        assert (sentence == "") == (name in READ[reader]), f"{reader}: {sentence}"
        assert is_a_sentence(sentence or "Read."), f"{reader}: {sentence}"
        assert "takes longer" not in sentence


@pytest.mark.parametrize(
    ("reader", "name", "sentence"),
    [
        pytest.param(
            *("predictions", "parquet of repeated texts", "Reading this file needs more than 2000 MB of memory."),
            marks=pytest.mark.long,
        ),
        ("predictions", "items of size zero", "The array y_pred is of the type <U0. Save numbers or texts."),
        ("history", "items of size zero", "The array y_pred is of the type <U0. Save numbers or texts."),
        ("history", "lzma members", "The npz is compressed in an unusual way. Save it with numpy.savez"),
        ("history", "encrypted members", "The npz is encrypted. Save it without a password."),
        ("history", "a shape that lies", "claims 1000000 x 1000000 items of 8 bytes but stores 64 bytes"),
        ("history", "a member that is text", "The member y_pred of the npz is not an array. Save it with numpy.savez."),
        ("history", "a deeply nested header", "The npz is damaged, or contains Python objects"),
        ("history", "a cut header", "The array y_pred has no readable shape. Save it again."),
        ("history", "JSON integer of 5,000 digits", "Expected InstanceFlow's JSON"),
        ("history", "JSON deeply nested", "Expected InstanceFlow's JSON"),
        ("history", "JSON forty large pictures", "have 1,488 megapixels; at most 200 are read. Make them smaller"),
        ("history", "20,000 columns", "The table has 20004 columns; at most 5000 are read."),
        ("predictions", "a million columns", "The table has 1000001 columns; at most 5000 are read."),
        ("predictions", "long cells in many rows", "A text in a column has 100,000 characters; at most"),
        ("history", "a million epochs", "The history has 1,000,000 epochs; at most 10,000 are read."),
    ],
)
def test_what_took_minutes_or_gigabytes_says_what_is_wrong(parser, contents, reader, name, sentence):
    assert sentence in outcome(parser, reader, contents(name))
