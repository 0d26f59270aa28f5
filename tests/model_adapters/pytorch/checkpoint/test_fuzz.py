"""Random damage to checkpoints, of every format, ends in a checkpoint or a sentence, soon and without running."""

from __future__ import annotations

import argparse
import builtins
import io
import os
import pickle
import random
import signal
import zipfile
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from model_adapters.files import preflight
from model_adapters.pytorch.checkpoint import reading
from xai_core.errors import ModelError

SECONDS = 2  # of processor time, so that a busy machine changes nothing
FILES, A_FEW = 20_000, 400
OPCODES = (
    b"()]}N\x81\x85\x86\x87tRbeuasoi02Qqhjrc\x93\x94\x8c\x88\x89K.VIX\x95\x97\x98\x82\x8a\x8b\x8e\x96\x92\x8f\x90\x91"
)
CALLS = (b"cos\nsystem\n", b"c__builtin__\neval\n", b"ctorch.hub\nload\n", b"\x8c\x02os\x8c\x06system\x93")


class Runs:
    def __reduce__(self):
        return os.system, ("touch /tmp/vitrine-marker-fuzz",)


def contents():
    """Yield what people save, and what attacks."""
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2))
    optimiser = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]}
    yield network.state_dict()
    yield network
    yield {"model": network.state_dict(), "optimizer": optimiser, "args": argparse.Namespace(lr=0.1)}
    yield {
        "w": torch.arange(6).reshape(2, 3).T,
        "x": np.arange(4.0),
        "names": np.array(["a", "b"]),
        "best": np.float64(1),
    }
    yield {"w": torch.zeros(2), "x": Runs()}


def saved(content, **options):
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


def originals():
    for content in contents():
        yield from (saved(content, pickle_protocol=protocol) for protocol in (2, 4, 5))
        yield saved(content, _use_new_zipfile_serialization=False)
        yield pickle.dumps(content)


def damaged(whole, chance):
    """Return bytes with a few changes: flipped, cut, doubled, replaced by opcodes, or with a call put in."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) or 1)
        end = place + chance.choice((1, 1, 2, 8, 64))
        piece = chance.choice(
            (b"", bytes(data[place:end]) * 2, chance.randbytes(end - place), bytes([chance.choice(OPCODES)]), *CALLS)
        )
        data[place:end] = piece
    return bytes(data)


def with_damaged_pickle(whole, chance):
    """Return a zip whose pickle is damaged and whose checksums are right, so that the pickle is read."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, damaged(content, chance) if name.endswith("data.pkl") else content)
    return packed.getvalue()


def mutated(whole, chance):
    inside = whole.startswith(b"PK") and chance.random() < 0.8
    return with_damaged_pickle(whole, chance) if inside else damaged(whole, chance)


def ending(path):
    """Return how opening a file ends: "checkpoint" or the kind of the sentence; too long is a TimeoutError."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        preflight.inspect(path)
        reading.read(path)
    except ModelError as error:
        return type(error).__name__ if 20 < len(str(error)) < 700 else str(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "checkpoint"


def too_long(*_):
    raise TimeoutError


def forbidden(*names, **_):
    raise AssertionError(f"The file ran something: {names[:1]}")


def endings(count, tmp_path, monkeypatch):
    chance, wholes = random.Random(0), [*originals()]
    monkeypatch.setattr(os, "system", forbidden)
    monkeypatch.setattr(builtins, "eval", forbidden)
    before = signal.signal(signal.SIGPROF, too_long)
    try:
        for number in range(count):
            (tmp_path / "upload").write_bytes(mutated(wholes[number % len(wholes)], chance))
            yield ending(str(tmp_path / "upload"))
    finally:
        signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("count", [A_FEW, pytest.param(FILES, marks=pytest.mark.long)])
def test_a_damaged_file_ends_in_a_checkpoint_or_a_sentence(count, tmp_path, monkeypatch):
    ends = Counter(endings(count, tmp_path, monkeypatch))
    assert set(ends) <= {"checkpoint", "RefusedModel", "UnsupportedModel"}
    assert ends["checkpoint"] > count / 100  # much of the damage leaves a file that can be read
    assert ends["RefusedModel"] > count / 10


def test_reading_what_preflight_refuses_runs_nothing_either(tmp_path, monkeypatch):
    (tmp_path / "upload").write_bytes(saved({"w": torch.zeros(2), "x": Runs()}))
    monkeypatch.setattr(os, "system", forbidden)
    content = reading.read(str(tmp_path / "upload")).content
    assert content["x"].name == "posix.system"
