"""A pickle is read without importing or calling anything it names, whatever its bytes are."""

from __future__ import annotations

import argparse
import builtins
import codecs
import importlib
import io
import os
import pathlib
import pickle
import pickletools
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_adapters.files import inert, pickles
from model_adapters.files.records import Contents, Record, Reference
from xai_core.errors import RefusedModel

CODES = [op.code.encode("latin-1") for op in pickletools.opcodes]
NAMES = (b"os\nsystem\n", b"builtins\neval\n", b"torch._utils\n_rebuild_tensor_v2\n", b"collections\nOrderedDict\n")
ARGUMENTS = st.one_of(
    st.binary(max_size=4),
    st.sampled_from(NAMES),
    st.integers(0, 5).map(lambda number: bytes([number])),
    st.text(max_size=5).map(lambda text: len(text.encode()).to_bytes(1) + text.encode()),
)
STEPS = st.lists(st.tuples(st.sampled_from(CODES), ARGUMENTS).map(b"".join), max_size=40).map(b"".join)
LIKELY = st.lists(
    st.sampled_from(
        [
            *[
                b"(",
                b")",
                b"]",
                b"}",
                b"N",
                b"K\1",
                b"\x85",
                b"\x86",
                b"t",
                b"R",
                b"\x81",
                b"b",
                b"q\0",
                b"h\0",
                b"e",
                b"u",
            ],
            *[b"a", b"s", b"o", b"2", b"0", b"Q", b"X\2\0\0\0id", b"\x93", b"\x82\1", b"\x92", b"\x8f", b"\x90"],
            *[b"cos\nsystem\n", b"ibuiltins\nexec\n"],
        ]
    ),
    max_size=40,
).map(b"".join)


def read(content):
    return inert.read(io.BytesIO(content))


def warm():
    """Import what reading needs by itself: codecs of texts."""
    for codec in ("unicode_escape", "raw_unicode_escape"):
        codecs.lookup(codec)


@contextmanager
def nothing_runs():
    """Fail on every import, on a call of a function that the pickles below name, and on a lookup of a class."""

    def fail(*names, **options):
        raise AssertionError(f"Something was imported or called: {names[:2]}")

    warm()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pickle._Unpickler, "find_class", fail)
        for place, name in ((os, "system"), (importlib, "import_module")):
            patch.setattr(place, name, fail)
        for name in ("eval", "exec", "__import__"):
            patch.setattr(builtins, name, fail)
        yield


@given(content=st.one_of(STEPS, LIKELY).map(lambda steps: b"\x80\x04" + steps + b"."))
def test_any_steps_end_in_data_or_a_sentence_and_import_nothing(content):
    with nothing_runs(), suppress(RefusedModel):
        assert isinstance(read(content), Contents)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@given(value=PLAIN, protocol=st.integers(3, 5))
def test_plain_values_are_what_pickle_gives(value, protocol):
    assert read(pickle.dumps(value, protocol)).value == value


@given(value=PLAIN)
def test_values_of_the_first_protocols_are_too(value):
    for protocol in (0, 1, 2):
        contents = read(pickle.dumps({"value": [value]}, protocol))
        assert contents.names <= {"_codecs.encode", "builtins.bytes"}  # how these protocols write bytes


@pytest.mark.parametrize("protocol", range(6))
def test_an_object_is_its_name_and_its_attributes(protocol):
    contents = read(pickle.dumps(argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("/data")), protocol))
    assert contents.value.name == "argparse.Namespace"
    assert contents.value.attributes["lr"] == 0.1
    assert contents.value.attributes["path"].arguments == ("/", "data")
    assert pickles.harmful(contents) == []


def test_a_shared_object_is_one_record():
    shared = argparse.Namespace()
    first, second = read(pickle.dumps([shared, shared])).value
    assert first is second


def test_an_object_may_hold_itself():
    circle = argparse.Namespace()
    circle.me = circle
    record = read(pickle.dumps(circle)).value
    assert record.attributes["me"] is record


def test_a_mentioned_function_is_a_name():
    contents = read(pickle.dumps({"max": max}))
    assert contents.value == {"max": Reference("builtins.max")}
    assert contents.calls == frozenset()


HARMFUL = {
    "a function of Python": (b"cos\nsystem\n(S'id'\ntR.", ["os.system"]),
    "its name in Python 2": (b"c__builtin__\neval\n(S'1'\ntR.", ["builtins.eval"]),
    "a class of Python that starts something": (b"csubprocess\nPopen\n(]tR.", ["subprocess.Popen"]),
    "the same as an instance": (b"(S'id'\nisubprocess\nPopen\n.", ["subprocess.Popen"]),
    "the same as a new object": (b"\x80\x02csubprocess\nPopen\n)\x81.", ["subprocess.Popen"]),
    "only mentioned": (b"\x80\x02cposix\nsystem\n.", ["posix.system"]),
    "from the stack": (pickle.dumps(os.system), ["posix.system"]),
    "an attribute that is called": (
        b"\x80\x02cbuiltins\ngetattr\ncmylib\nShell\nX\3\0\0\0run\x86R)R.",
        ["builtins.getattr()"],
    ),
    "a function of a library": (b"ctorch.utils.collect_env\nrun\n(S'id'\ntR.", ["torch.utils.collect_env.run"]),
    "an extension": (b"\x80\x02\x82\1)R.", ["copyreg.extension_1"]),
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_what_would_run_is_recognised_and_only_recorded(kind):
    content, names = HARMFUL[kind]
    contents = read(content)
    assert pickles.harmful(contents) == names
    assert isinstance(contents.value, Record | Reference)


HARMLESS = (
    b"ctorch.nn.modules.linear\nLinear\n)\x81.",
    b"cpathlib\nPosixPath\n(S'/'\ntR.",
    b"cnumpy.random._pickle\n__generator_ctor\n(S'PCG64'\ntR.",
    b"cfunctools\npartial\n(cmylib\nnorm\ntR.",
)


@pytest.mark.parametrize("content", HARMLESS, ids=lambda content: content[1:20].decode())
def test_objects_that_hold_data_are_not_refused(content):
    assert pickles.harmful(read(b"\x80\x02" + content)) == []


def nested_tuples(depth):
    return b"\x80\x02}" + b")" + b"\x85" * depth + b"Ns."


BOMBS = {
    "a key of deep tuples": nested_tuples(100_000),
    "a key of shared tuples": b"\x80\x02}" + b")" + b"2\x86" * 60 + b"Ns.",
    "a text longer than the file": b"\x80\x02X\xff\xff\xff\x7fa.",
    "bytes longer than memory": b"\x80\x05\x8e" + b"\xff" * 7 + b"\x7f.",
    "a number of many digits": b"I" + b"9" * 10_000 + b"\n.",
    "a list as a key": b"\x80\x02}]Ns.",
    "no end": b"\x80\x02}",
    "two results": b"\x80\x02}}.",
    "an open mark": b"\x80\x02(}.",
    "buffers from elsewhere": b"\x80\x05\x97.",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_damaged(kind):
    with pytest.raises(RefusedModel, match="damaged"):
        read(BOMBS[kind])


def test_steps_are_limited(monkeypatch):
    monkeypatch.setattr(inert, "MOST_STEPS", 1000)
    with pytest.raises(RefusedModel, match="steps, which is the limit"):
        read(b"\x80\x02" + b"N0" * 1000 + b"N.")
