"""Checkpoints give their tensors, values and class names, and objects give what they hold."""

from __future__ import annotations

import argparse
import collections
import io
import pathlib
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from model_adapters import inspect, load
from model_adapters.files import preflight
from model_adapters.pytorch.architectures import build
from model_adapters.pytorch.checkpoint import reading, values
from xai_core.errors import RefusedModel, UnsupportedModel
from xai_core.types import ModelSource


def saved(content, tmp_path, **options):
    torch.save(content, tmp_path / "upload", **options)
    return str(tmp_path / "upload")


def content_of(content, tmp_path, **options):
    path = saved(content, tmp_path, **options)
    assert preflight.inspect(path).format == "torch-weights"
    return reading.read(path).content


def same(found, expected):
    """Whether two values are equal, tensors by type, strides and numbers."""
    if isinstance(expected, torch.Tensor):
        layout = (found.dtype, found.shape, found.stride()) == (expected.dtype, expected.shape, expected.stride())
        return layout and torch.equal(found, expected.detach())
    if isinstance(expected, dict):
        return [*found] == [*expected] and all(same(found[key], expected[key]) for key in expected)
    if isinstance(expected, list | tuple):
        return type(found) is type(expected) and len(found) == len(expected) and all(map(same, found, expected))
    return type(found) is type(expected) and found == expected


SHAPES = st.lists(st.integers(0, 4), max_size=3)
TYPES = st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
TENSORS = st.builds(lambda shape, kind: torch.arange(64).to(kind)[: int(np.prod(shape))].reshape(shape), SHAPES, TYPES)
VIEWS = TENSORS.map(lambda tensor: tensor.T if tensor.dim() == 2 else tensor[..., 1:] if tensor.dim() else tensor)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=9)
    | st.sampled_from([torch.float64, torch.device("cuda:1"), torch.Size([2, 3]), 2j, {1, "a"}])
)  # fmt: skip
CONTENTS = st.recursive(
    LEAVES | TENSORS | VIEWS | TENSORS.filter(torch.is_floating_point).map(nn.Parameter),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3).map(collections.OrderedDict)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(content=CONTENTS, zipped=st.booleans())
def test_what_pytorch_reads_without_running_is_the_same(content, zipped, tmp_path_factory):
    path = saved(content, tmp_path_factory.getbasetemp(), _use_new_zipfile_serialization=zipped)
    assert same(reading.read(path).content, torch.load(path, weights_only=True))


ARRAYS = {
    "numbers": np.arange(6, dtype=np.float32).reshape(2, 3),
    "in Fortran's order": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "texts": np.array(["cat", "Hündin"]),
    "bytes": np.array([b"cat", b"dog"]),
    "flags": np.array([True, False]),
    "big-endian": np.arange(3, dtype=">i4"),
    "none": np.zeros((0, 3)),
    "scalar": np.array(3.5),
}


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_are_numpys_own(kind, protocol, tmp_path):
    found = content_of({"x": ARRAYS[kind]}, tmp_path, pickle_protocol=protocol)["x"]
    assert (found.dtype, found.shape) == (ARRAYS[kind].dtype, ARRAYS[kind].shape)
    assert found.tolist() == ARRAYS[kind].tolist()


def test_scalars_and_arrays_of_objects_are_values(tmp_path):
    content = {"best": np.float64(0.7), "epoch": np.int64(3), "names": np.array(["a", None], object)}
    assert content_of(content, tmp_path) == {"best": 0.7, "epoch": 3, "names": ["a", None]}


def test_objects_are_what_they_hold(tmp_path):
    content = {
        "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/data/x")),
        "space": types.SimpleNamespace(depth=2),
        "groups": collections.defaultdict(list, {"a": [1]}),
        "last": collections.deque([1, 2]),
    }
    found = content_of(content, tmp_path)
    assert found["args"] == {"lr": 0.1, "out": "/data/x"}
    assert (found["space"], found["groups"], found["last"]) == ({"depth": 2}, {"a": [1]}, [1, 2])


def test_the_objects_are_named(tmp_path):
    notes = reading.read(saved({"args": argparse.Namespace(lr=1)}, tmp_path)).notes
    assert notes == (
        "The file holds Python objects (argparse.Namespace). They were read as data; none of their code ran.",
    )


class Wrapper(nn.Module):
    """A module with everything that a state dict leaves out."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4))
        self.again = self.body
        self.register_buffer("kept", torch.ones(2))
        self.register_buffer("passing", torch.ones(3), persistent=False)
        self.register_parameter("nothing", None)
        self.empty, self.function = None, nn.functional.relu


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("wrapped", [lambda module: module, nn.DataParallel], ids=["module", "DataParallel"])
def test_a_whole_module_is_its_state_dict(wrapped, protocol, tmp_path):
    module = wrapped(Wrapper())
    found = content_of(module, tmp_path, pickle_protocol=protocol)
    assert same(found, dict(module.state_dict()))


def test_a_module_in_a_trainer_is_found(tmp_path):
    content = {"trainer": types.SimpleNamespace(model=nn.Linear(2, 1)), "ema": nn.Linear(2, 1)}
    found = content_of(content, tmp_path)
    assert [*found["trainer"]["model"]] == [*found["ema"]] == ["weight", "bias"]


def test_a_module_within_itself_is_refused(tmp_path):
    module = nn.Sequential()
    module._modules["inner"] = module
    with pytest.raises(RefusedModel, match="contains itself"):
        reading.read(saved(module, tmp_path))


def test_a_plain_pickle_of_a_module_is_read_too(tmp_path):
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    (tmp_path / "upload").write_bytes(pickle.dumps(module))
    assert preflight.inspect(str(tmp_path / "upload")).format == "torch-weights"
    assert same(reading.read(str(tmp_path / "upload")).content, dict(module.state_dict()))


NAMES = ("cat", "dog", "owl")
NAMED = {
    "a list": {"classes": [*NAMES]},
    "an array": {"class_names": np.array(NAMES)},
    "numbers of names": {"class_to_idx": {"owl": 2, "cat": 0, "dog": 1}},
    "names of numbers": {"idx_to_class": {0: "cat", 1: "dog", 2: "owl"}},
    "names of digits": {"id2label": {"2": "owl", "0": "cat", "1": "dog"}},
    "within parameters": {"hyper_parameters": {"labels": list(NAMES)}},
    "within a namespace": {"args": argparse.Namespace(classes=NAMES)},
}


@pytest.mark.parametrize("kind", NAMED)
def test_class_names_are_found(kind, tmp_path):
    checkpoint = reading.read(saved(NAMED[kind], tmp_path))
    assert checkpoint.labels == (NAMES,)
    assert (checkpoint.labels_for(3), checkpoint.labels_for(4)) == (NAMES, ())


@pytest.mark.parametrize(
    "content",
    [{"classes": 3}, {"classes": ["cat", 2]}, {"class_to_idx": {"cat": 0, "dog": 2}}, {"names": []}, [*NAMES]],
    ids=repr,
)
def test_what_names_no_classes_is_left_alone(content, tmp_path):
    assert reading.read(saved(content, tmp_path)).labels == ()


def test_names_with_line_ends_are_trimmed_and_unprintable_ones_are_no_names(tmp_path):
    assert reading.read(saved({"classes": ["cat\n", "dog "]}, tmp_path)).labels == (("cat", "dog"),)
    assert reading.read(saved({"classes": ["cat", "\ud800"]}, tmp_path)).labels == ()


def test_an_array_of_characters_that_do_not_exist_is_damaged(tmp_path):
    path = pathlib.Path(saved({"classes": np.array(["a", "b"])}, tmp_path, pickle_protocol=4))
    with zipfile.ZipFile(path) as archive:
        pickled = archive.read("upload/data.pkl")
    assert b"a\0\0\0b" in pickled
    with pytest.raises(RefusedModel, match="damaged"):
        reading.read(zipped(pickled.replace(b"a\0\0\0b", b"a\0\0\xffb"), path))


def test_a_background_comes_first_in_detectors_only():
    checkpoint = reading.Checkpoint({}, labels=(("__background__", *NAMES),))
    assert checkpoint.labels_for(3, background=True) == NAMES
    assert checkpoint.labels_for(3) == ()


def test_settings_of_the_training_are_plain_values(tmp_path):
    content = {"hyper_parameters": {"lr": 0.1, "path": pathlib.PurePosixPath("/d"), "layers": [1, 2], "on": True}}
    checkpoint = reading.read(saved(content | {"epoch": 3, "classes": [*NAMES]}, tmp_path))
    settings = {"epoch": 3, "lr": 0.1, "path": "/d", "layers": [1, 2], "on": True}
    assert checkpoint.settings == settings | {"classes": [*NAMES]}
    assert checkpoint.facts == {name: repr(value) for name, value in settings.items()}


def test_a_checkpoint_opens_with_its_class_names(tmp_path):
    module = build("torchvision/resnet18", 3)
    content = {"model": module.state_dict(), "args": argparse.Namespace(lr=1), "classes": np.array(NAMES)}
    source = ModelSource(saved(content, tmp_path), "upload", "digest")
    card = load(source, inspect(source), str(tmp_path)).card
    assert (card.architecture, card.labels) == ("torchvision/resnet18", NAMES)
    assert "argparse.Namespace" in card.notes[0]


def test_weights_of_a_fastai_learner_come_with_the_way_out(tmp_path):
    content = {"model": {"0.0.weight": torch.zeros(2, 3, 3, 3)}, "opt": {"state": [], "hypers": []}}
    source = ModelSource(saved(content, tmp_path), "upload", "digest")
    with pytest.raises(UnsupportedModel, match=r"learn\.load\('name'\); torch\.jit\.trace\(learn\.model"):
        load(source, inspect(source), str(tmp_path))


def of_library(name, base=nn.Module, **attributes):
    """Return an object of a class that is said to belong to a library."""
    module, _, short = name.rpartition(".")
    kind = type(short, (base,), {"__module__": module})
    made = kind()
    made.__dict__.update(attributes)
    return made


@pytest.fixture
def libraries(monkeypatch):
    """Let pickle find classes of libraries that are not installed."""

    def made(name, **attributes):
        thing = of_library(name, **attributes)
        module = type(thing).__module__
        for end in range(1, module.count(".") + 2):
            place = ".".join(module.split(".")[:end])
            monkeypatch.setitem(sys.modules, place, types.ModuleType(place))
        setattr(sys.modules[module], type(thing).__name__, type(thing))
        return thing

    return made


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ultralytics.nn.tasks.DetectionModel", "yolo export model=best.pt format=onnx"),
        ("models.yolo.DetectionModel", "python export.py --weights best.pt --include onnx"),
    ],
)
def test_a_yolo_file_is_answered_with_its_classes_and_its_export(name, line, libraries, tmp_path):
    network = libraries(name, names={0: "car", 1: "bus", 2: "tram", 3: "bike"})
    with pytest.raises(UnsupportedModel) as caught:
        reading.read(saved({"epoch": -1, "model": network, "ema": None}, tmp_path))
    assert "(detects objects; 4 classes: car, bus, tram, ...)" in str(caught.value)
    assert f"`{line}`" in str(caught.value)


def test_an_export_of_fastai_that_would_run_gets_the_lines_that_convert_it(libraries, tmp_path):
    learner = libraries("fastai.learner.Learner", timer=print)
    with pytest.raises(RefusedModel, match="load_learner"):
        preflight.inspect(saved(learner, tmp_path))


def zipped(pickled, path, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, content in entries.items():
            archive.writestr(f"archive/data/{name}", content)
    return str(path)


STORAGE = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0aX\3\0\0\0cpuK\4tQ"


def tensor(offset=b"K\0", size=b"K\4\x85", stride=b"K\1\x85"):
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + offset + size + stride + b"\x89Nt" + b"R."


WRONG = {
    "past the end": tensor(offset=b"K\1"),
    "a negative offset": tensor(offset=b"J\xff\xff\xff\xff"),
    "a negative size": tensor(size=b"J\xff\xff\xff\xff\x85"),
    "a size of text": tensor(size=b"X\1\0\0\0a\x85"),
    "more strides than sizes": tensor(stride=b"K\1K\1\x86"),
    "no storage": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\0))t" + b"R.",
    "an unknown persistent id": b"\x80\x02X\1\0\0\0aQ.",
    "bytes by another codec": b"\x80\x02c_codecs\nencode\nX\1\0\0\0aX\3\0\0\0zip\x86R.",
    "an array of objects in bytes": b"\x80\x02cnumpy.core.numeric\n_frombuffer\n(C\1acnumpy\ndtype\nX\2\0\0\0O8\x85R"
    b"K\1\x85X\1\0\0\0CtR.",
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_lie_about_a_tensor_is_a_damaged_file(kind, tmp_path):
    with pytest.raises(RefusedModel, match="damaged"):
        reading.read(zipped(WRONG[kind], tmp_path / "upload", a=bytes(16)))


def test_the_same_tensor_without_a_lie_is_read(tmp_path):
    assert reading.read(zipped(tensor(), tmp_path / "upload", a=bytes(16))).content.tolist() == [0, 0, 0, 0]


def test_weights_that_changed_after_saving_are_damaged(tmp_path):
    path = pathlib.Path(saved({"w": torch.full((64,), 1.5)}, tmp_path))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(torch.full((64,), 1.5).numpy().tobytes(), bytes(256)))
    with pytest.raises(RefusedModel, match="damaged"):
        reading.read(str(path))


@pytest.mark.parametrize("count", [-1, 5, 2**50])
def test_an_old_file_stores_as_many_values_as_it_says(count, tmp_path):
    path = pathlib.Path(saved({"w": torch.ones(4)}, tmp_path, _use_new_zipfile_serialization=False))
    path.write_bytes(path.read_bytes()[:-24] + count.to_bytes(8, "little", signed=True) + bytes(16))
    with pytest.raises(RefusedModel, match="damaged"):
        reading.read(str(path))


def test_values_may_not_be_nested_without_end(tmp_path):
    value = []
    for _ in range(values.DEEPEST + 5):
        value = [value]
    with pytest.raises(RefusedModel, match="nested too deeply"):
        reading.read(saved(value, tmp_path))


def test_copies_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(values, "MOST_COPIED", 1000)
    text = b"X\x64\0\0\0" + b"a" * 100 + b"q\0"
    copies = b"c_codecs\nencode\nh\0X\6\0\0\0latin1\x86R" * 20
    with pytest.raises(RefusedModel, match="too much memory"):
        reading.read(zipped(b"\x80\x02]" + text + b"0(" + copies + b"e.", tmp_path / "upload"))


def test_sparse_tensors_are_answered_with_the_way_out(tmp_path):
    with pytest.raises(UnsupportedModel, match="save the model in float32"):
        reading.read(saved({"w": torch.eye(2).to_sparse()}, tmp_path))


def test_a_compressed_copy_of_a_file_is_read(tmp_path):
    path = saved({"w": torch.arange(1000)}, tmp_path)
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    (tmp_path / "upload").write_bytes(packed.getvalue())
    assert torch.equal(reading.read(path).content["w"], torch.arange(1000))
