"""Honest arrays are read as NumPy reads them; a header that lies is refused before anything is allocated."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as draws

from tests.bad_files.tables import array, member, zipped
from xai_core.errors import DataError
from xai_core.untrusted.npz import MOST_ARRAYS, Npz

TYPES = st.one_of(
    draws.boolean_dtypes(),
    draws.integer_dtypes(),
    draws.unsigned_integer_dtypes(),
    draws.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    draws.unicode_string_dtypes(min_len=1, max_len=5),
)


def npz_of(**arrays: object) -> bytes:
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    return written.getvalue()


@given(draws.arrays(TYPES, draws.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)), st.booleans())
def test_an_array_is_read_as_numpy_reads_it(values, columns_first):
    values = np.asarray(values, order="F" if columns_first else "C")
    read = Npz(npz_of(values=values)).array("values")
    np.testing.assert_array_equal(read, np.load(io.BytesIO(npz_of(values=values)))["values"])
    assert read.shape == values.shape


def test_bytes_are_read_as_text():
    assert Npz(npz_of(names=np.array([b"cat", b"\xff"]))).array("names").tolist() == ["cat", "\ufffd"]


def test_a_file_on_disk_is_read_too(tmp_path):
    (tmp_path / "some.npz").write_bytes(npz_of(a=[1, 2], b=["x"]))
    assert {name: values.tolist() for name, values in Npz(tmp_path / "some.npz").arrays().items()} == {
        "a": [1, 2],
        "b": ["x"],
    }


def test_sizes_are_known_before_anything_is_unpacked():
    sizes = Npz(npz_of(a=np.zeros(1000), b=np.zeros(10, np.uint8))).sizes
    assert sizes == {"a": 8000 + 128, "b": 10 + 128}


def test_texts_whose_characters_do_not_exist_are_replaced():
    letters = member("'<U1'", (3,), b"\xff\xff\xff\x7f\0\xd8\0\0a\0\0\0")
    assert Npz(zipped({"a.npy": letters})).array("a").tolist() == ["\ufffd", "\ufffd", "a"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (member("'<U0'", (10**12,)), "The array a is of the type <U0."),
        (member("'|V0'", (10**12,)), "The array a is of the type |V0."),
        (member("'<f8'", (10**6, 10**6), bytes(8)), "claims 1000000 x 1000000 items of 8 bytes but stores 8 bytes"),
        (member("'<f8'", (2,), bytes(9)), "claims 2 items of 8 bytes but stores 9 bytes"),
        (member("'<i8'", (0, 10**15), bytes(8)), "claims 0 x 1000000000000000 items of 8 bytes but stores 8 bytes"),
        (member("'<i8'", f"({'9' * 100},)"), "claims more items than any file can hold"),
        (member("'<i8'", (-1,), bytes(8)), "The array a has no readable shape"),
        (member("'<i8'", (1,) * 9, bytes(8)), "The array a has no readable shape"),
        (member("'|O'", (1,), bytes(8)), "Python objects, which are never loaded"),
        (member("[('b', '<i8')]", (1,), bytes(8)), "Python objects, which are never loaded"),
        (member("'<c16'", (1,), bytes(16)), "The array a is of the type complex128."),
        (b"text", "The member a of the npz is not an array."),
        (b"", "The member a of the npz is not an array."),
    ],
)
def test_a_header_that_lies_or_asks_for_too_much_is_refused(content, sentence):
    with pytest.raises(DataError) as raised:
        Npz(zipped({"a.npy": content})).array("a")
    assert sentence in str(raised.value)


def test_a_lie_costs_no_memory():
    lie = zipped({"a.npy": member("'<f8'", (10**9,), bytes(64))})
    tracemalloc.start()
    with pytest.raises(DataError):
        Npz(lie).array("a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("files", "how", "sentence"),
    [
        ({"a.npy": array([1])}, zipfile.ZIP_LZMA, "compressed in an unusual way"),
        ({"a.npy": array([1])}, zipfile.ZIP_BZIP2, "compressed in an unusual way"),
        ({"a.npy": array([1]), "readme.txt": b"x"}, zipfile.ZIP_STORED, "This is a zip that contains 'readme.txt'"),
        ({f"a{n}.npy": b"" for n in range(MOST_ARRAYS + 1)}, zipfile.ZIP_STORED, "has 1001 entries; at most 1000"),
        ({f"{n:0400}.npy": b"" for n in range(MOST_ARRAYS)}, zipfile.ZIP_STORED, "too many entries; at most 1000"),
    ],
    ids=["lzma", "bzip2", "text", "members", "names"],
)
def test_an_archive_that_numpy_did_not_write_is_refused(files, how, sentence):
    with pytest.raises(DataError) as raised:
        Npz(zipped(files, how))
    assert sentence in str(raised.value)
