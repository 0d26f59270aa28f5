"""What is sent arrives, and a frame that lies is refused before anything is allocated for it."""

from __future__ import annotations

import json
import os
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from xai_core.jobs import frames

ARRAYS = arrays_of.arrays(
    st.sampled_from(sorted(frames.TYPES.values())), arrays_of.array_shapes(min_dims=0, min_side=0)
)


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for end in (read, write):
        os.close(end)


def raw(header, body=b"", magic=frames.MAGIC, claimed=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return frames.START.pack(magic, len(text), len(body) if claimed is None else claimed) + text + body


@given(
    st.dictionaries(st.text().filter(lambda name: name != "arrays"), st.integers() | st.text()),
    st.lists(ARRAYS, max_size=4),
)
def test_what_is_sent_arrives(header, sent):
    read, write = os.pipe()
    thread = threading.Thread(target=frames.send, args=(write, header, sent))
    thread.start()
    found, arrays = frames.receive(read, seconds=10)
    thread.join()
    os.close(read), os.close(write)
    assert found == header
    for one, other in zip(arrays, sent, strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@pytest.mark.parametrize(
    "frame",
    [
        raw({"arrays": []}, magic=b"EVIL"),
        frames.START.pack(frames.MAGIC, 1 << 31, 0),
        raw({"arrays": []}, claimed=1 << 62),
        raw({"arrays": [["f4", [3]]]}, b"1234"),
        raw({"arrays": [["f4", [1 << 40]]]}),
        raw({"arrays": [["f4", [0, 1 << 29, 1 << 29]]]}),
        raw({"arrays": [["f4", [-1]]]}),
        raw({"arrays": [["f4", [True]]]}, b"1234"),
        raw({"arrays": [["O8", [1]]]}, b"12345678"),
        raw({"arrays": [["f4", [1] * 9]]}, b"1234"),
        raw({"arrays": [["f4", [0]]] * 65}),
        raw({"arrays": None}),
        raw({}),
        raw([]),
        raw(b'{"arrays": [], "x": NaN}'),
        raw(b"[" * 100_000),
        raw(b"\xff\xfe"),
    ],
)
def test_a_frame_that_lies_is_refused(pipe, frame):
    read, write = pipe
    threading.Thread(target=os.write, args=(write, frame)).start()
    with pytest.raises(frames.BadFrame):
        frames.receive(read, seconds=10)


def test_a_body_larger_than_what_was_asked_for_is_refused(pipe):
    frames.send(pipe[1], {}, [np.zeros(5, np.float32)])
    with pytest.raises(frames.BadFrame):
        frames.receive(pipe[0], largest_body=19)


def test_half_a_frame_is_not_waited_for_for_ever(pipe):
    os.write(pipe[1], raw({"arrays": []})[:-3])
    with pytest.raises(frames.TooSlow):
        frames.receive(pipe[0], seconds=0.05)


def test_a_reader_that_takes_nothing_is_not_waited_for_for_ever(pipe):
    os.set_blocking(pipe[1], False)
    with pytest.raises(frames.TooSlow):
        frames.send(pipe[1], {}, [np.zeros(1 << 20, np.float32)], seconds=0.05)


def test_an_end_and_a_silence_are_different_errors():
    read, write = os.pipe()
    os.close(write)
    with pytest.raises(frames.Closed):
        frames.receive(read, seconds=10)
    os.close(read)


@pytest.mark.parametrize("array", [np.array([object()]), np.array(["text"]), np.zeros(3, np.complex64)])
def test_only_arrays_of_plain_numbers_are_sent(pipe, array):
    with pytest.raises(ValueError, match="cannot be sent"):
        frames.send(pipe[1], {}, [array])
