from __future__ import annotations

import struct

import numpy as np
import pytest

from model_adapters.files import preflight, tflite
from model_adapters.files.flatbuffer import NotAFlatBuffer, Table
from xai_core.errors import RefusedModel
from xai_core.types import FileKind

# A table with one number: its place, an index of 6 bytes that says so, the table, the number.
ONE_NUMBER = struct.pack("<I4xHHHhiI", 16, 6, 8, 4, 0, 8, 7)


def test_a_number_is_read_and_a_missing_one_is_the_usual():
    table = Table.root(ONE_NUMBER)
    assert (table.number(0, "<I"), table.number(1, "<I", 5)) == (7, 5)


def test_what_points_out_of_the_file_is_no_table():
    with pytest.raises(NotAFlatBuffer):
        Table.root(ONE_NUMBER).text(0)


def test_random_bytes_end_in_a_sentence(tmp_path):
    draws, path = np.random.default_rng(0), tmp_path / "upload"
    for _ in range(300):
        path.write_bytes(struct.pack("<I", draws.integers(0, 60)) + b"TFL3" + draws.bytes(80))
        with pytest.raises(RefusedModel, match="damaged or cut short"):
            tflite.read(str(path))


def test_a_lite_file_is_recognised_by_its_identifier(tmp_path):
    (tmp_path / "upload").write_bytes(b"\x1c\0\0\0TFL3" + bytes(20))
    assert preflight.inspect(str(tmp_path / "upload")) == FileKind("tflite", "openvino")


def test_a_frozen_graph_is_recognised_by_its_first_node(tmp_path):
    node = b"\x0a\x07picture\x12\x0bPlaceholder"
    (tmp_path / "upload").write_bytes(b"\x0a" + bytes([len(node)]) + node)
    assert preflight.inspect(str(tmp_path / "upload")) == FileKind("frozen-graph", "openvino")
