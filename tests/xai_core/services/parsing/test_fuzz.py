"""Whatever bytes are read, the answer is what they hold or a sentence that was foreseen.

It runs for a minute, or for as many seconds as VITRINE_FUZZ_SECONDS says.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections import Counter
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.bad_files import tables
from tests.xai_core.pictures.test_formats import dicom, heic, npy
from tests.xai_core.services.parsing.readers import READERS, is_a_sentence, outcome
from tests.xai_core.services.parsing.test_questions import history, png, table
from xai_core.jobs.limits import Limits
from xai_core.services.parsing.parser import SandboxedParser
from xai_core.training.arrays import to_npz
from xai_core.training.instance_flow import to_instance_flow

SECONDS = float(os.environ.get("VITRINE_FUZZ_SECONDS", "60"))
AT_ONCE = 250  # examples of one seed


def parquet() -> bytes:
    import pyarrow as pa

    return tables.parquet_of(pa.table({"y_true": [0, 1], "y_pred": ["0", "1"], "a": [0.5, None]}))


def npz() -> bytes:
    written = io.BytesIO()
    np.savez(written, y_true=[0, 1], y_pred=[1, 1], names=np.array(["a", "b"]), probs=np.full((2, 2), 0.5))
    return written.getvalue()


LOOKS_ALIKE = "True Label;P(a);P(b);sex\na;50,5%;49,5%;f\nb;1;0;\n"
GOOD = [table(), to_npz(history()), to_instance_flow(history()), parquet(), npz(), png(), tables.LONG.encode()]
GOOD += [tables.workbook(tables.CELL.format("A1")), b'[{"y_true": "a", "y_pred": "b"}, {"y_true": "b"}]']
GOOD += [tables.avif(), tables.pages(3), heic(), dicom(), npy(np.zeros((2, 12, 12, 3), np.uint8))]
GOOD += [LOOKS_ALIKE.encode(), LOOKS_ALIKE.encode("utf-16")]
GOOD += [tables.wide(5), tables.jpeg(), tables.record(b"\x08\x01\x2a\x0a\x0a\x08\x0a\x01a\x15\0\0\x80?"), tables.flow()]
SMALL = st.binary(max_size=6)
NUMBERS = ["0", "-1", "1e400", "nan", "inf", "9" * 30, "9" * 5000, "0x10", "1_000", "٣", "1.5", "-0.0", "1e-400"]
SIGNS = ["", "=1", "'", '"', '""', ",", ";", "\t", "\r", "\0", "\ufeff", "\ud800", "é" * 3, "True", "None", " "]
CELLS = st.one_of(st.sampled_from([*NUMBERS, *SIGNS, "cat", "dog"]), st.text(max_size=5))
NAMES = ["instance_id", "epoch", "pred", "actual", "image", "epoch_0", "epoch_1", "y_true", "y_pred", "file", "a"]
NAMES += ["True Label", "P(cat)", "cat_prob", "proba_0", "proba_1", "score", "predicted"]
NAMES += ["prob_0", "prob_1", "prob_cat", "logits_h_0", "logits_h_1", "step", "loss", ""]


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A good file with a few other bytes, some removed, some repeated."""
    data = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.sampled_from([0, 1, 1, 2, 8, 64, 10_000]))
        data[start : start + length] = draw(st.one_of(SMALL, st.just(bytes(data[start : start + length] * 2))))
    return bytes(data)


@st.composite
def csv_files(draw: st.DrawFn) -> bytes:
    """A table of known names and any cells, of uneven rows now and then."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=7, unique=draw(st.booleans())))
    width = st.sampled_from([len(names)] * 6 + [len(names) - 1, len(names) + 1])
    rows = [draw(st.lists(CELLS, min_size=(n := draw(width)), max_size=n)) for _ in range(draw(st.integers(0, 5)))]
    separator = draw(st.sampled_from([",", ",", ",", ";", "\t"]))
    return "\n".join(separator.join(row) for row in [names, *rows]).encode("utf-8", "surrogatepass")


@st.composite
def npz_files(draw: st.DrawFn) -> bytes:
    """An archive of known names, with honest and lying headers."""
    kinds = st.sampled_from(
        ["'<i8'", "'<f4'", "'|u1'", "'<U3'", "'|S2'", "'|b1'", "'<M8[s]'", "'|O'", "'<U0'", "'>i2'"]
    )
    sides = st.sampled_from([(), (1,), (2,), (2, 2), (2, 2, 2), (2, 8, 8, 3), (0,), (10**9,), (2, 0), (-1,)])
    names = ["y_true", "y_pred", "probs", "labels", "predictions", "actual", "ids", "epochs", "images", "pictures"]
    names += ["confidence", "loss", "x", "y", "logits_h", "a"]
    files = {}
    for name in draw(st.lists(st.sampled_from(names), max_size=6, unique=True)):
        kind, shape = draw(kinds), draw(sides)
        size = int(np.prod(shape)) * int(np.dtype(kind.strip("'")).itemsize) if -1 not in shape else 0
        honest = draw(st.booleans()) and 0 <= size < 4096
        body = draw(st.binary(min_size=size if honest else 0, max_size=size if honest else 64))
        files[f"{name}.npy"] = tables.member(kind, shape, body)
    return tables.zipped(files)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["\ud800", "data:image/"]),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(CELLS, inner)), max_leaves=6
)


@st.composite
def json_files(draw: st.DrawFn) -> bytes:
    """InstanceFlow's JSON with anything in some of its places."""

    def place(usual: object) -> object:
        return draw(VALUES) if draw(st.integers(0, 5)) == 0 else usual

    instances = [place({"id": place(name), "actual": place(0), "image": place("")}) for name in "ab"]
    epochs = [place({"id": place(str(n)), "classifications": place([place(0), 1])}) for n in range(2)]
    content = {"name": place("n"), "labels": place(["cat", place("dog")]), "instances": place(instances)}
    return json.dumps({**content, "epochs": place(epochs)}).encode()


FILES = st.one_of(changed(), changed(), csv_files(), csv_files(), npz_files(), json_files(), st.binary(max_size=80))


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 600)
def test_any_file_is_read_or_ends_in_a_foreseen_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    parser, outcomes, end = SandboxedParser(limits=Limits(open_seconds=20)), Counter[str](), time.monotonic() + SECONDS

    def check(data: bytes, reader: str) -> None:
        if time.monotonic() > end:
            return
        sentence = outcome(parser, reader, data)
        outcomes["refused" if sentence else "read"] += 1
        assert is_a_sentence(sentence or "Read."), f"{reader}: {sentence}"

    quiet = settings(max_examples=AT_ONCE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    for number in count():
        if time.monotonic() > end:
            break
        seed(number)(quiet(given(FILES, st.sampled_from(sorted(READERS)))(check)))()
    parser.close()
    with capsys.disabled():
        print(f"\n{outcomes.total()} files: {outcomes['read']} were read, {outcomes['refused']} refused")
    assert min(outcomes["read"], outcomes["refused"]) > 0
