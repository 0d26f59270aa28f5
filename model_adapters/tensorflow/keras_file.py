"""Check what a Keras file would make Keras do, from its configuration and weights, before Keras opens it."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO, Any

import h5py

from model_adapters.files.keras_files import DAMAGED
from model_adapters.tensorflow import lambdas
from model_adapters.tensorflow.graph_functions import beyond_arithmetic
from xai_core.errors import RefusedModel, UnsupportedModel
from xai_core.types import FileKind

ADVICE = "Replace it by a plain Keras layer and save again, or export the model to ONNX."
NOT_OF_KERAS = (
    "The class {0!r} is not part of Keras. Add the Python code that defines it (model.py), replace it with a plain "
    "Keras layer and save again, or export the model to ONNX."
)
CODE_LAYERS = {
    "Lambda": "a Lambda layer, which holds Python code",
    "TFSMLayer": "a TFSMLayer, which loads another model from a path",
    "TorchModuleWrapper": "a TorchModuleWrapper, which holds a Python pickle",
    "JaxLayer": "a JaxLayer, which holds code",
    "FlaxLayer": "a FlaxLayer, which holds code",
}
INSTEAD = {
    "Lambda": "Vitrine opens it only if it rescales the picture or calls a preprocess_input named with its module. "
    "Replace it with a layer such as keras.layers.Rescaling(1 / 127.5, offset=-1) and save again, or export the model "
    "to ONNX.",
}
LIMIT = 2 << 30
DENSEST = 1000  # gzip compresses at most about 1:1030


def check(path: str, kind: FileKind, own: Collection[str] = ()) -> None:
    """Raise the RefusedModel or UnsupportedModel that says which part of the file may not be opened.

    own: names of classes and functions that the user's code defines.
    """
    if kind.format == "keras":
        _check_zip(path, own)
    else:
        with _opened(path) as weights:
            _check_weights(weights)
            if kind.format != "keras-weights":
                check_config(_legacy_config(weights), own)


def names_in(path: str, kind: FileKind) -> dict[str, str]:
    """Return the classes and functions that a file asks for, by the name under which Keras looks for them."""
    if kind.format == "keras":
        with _opened_zip(path) as archive:
            config = json.loads(archive.read("config.json"))
    else:
        with _opened(path) as weights:
            config = _legacy_config(weights)
    names: dict[str, str] = {}
    for entry in _entries(config):
        name = str(entry["config"] if entry["class_name"] == "function" else entry["class_name"])
        names |= {name: name.rpartition(">")[2], str(entry.get("registered_name") or name): name.rpartition(">")[2]}
    return names


def check_config(config: Any, own: Collection[str] = ()) -> None:
    """Check the JSON that describes a model: layers that hold code, functions by name, files by path.

    Lambda layers that are a known preprocessing are replaced in place.
    """
    lambdas.replaced(config)
    for entry in _entries(config):
        name = str(entry["config"].get("name", "?"))[:60] if isinstance(entry["config"], dict) else "?"
        class_name = str(entry["class_name"])
        if class_name in CODE_LAYERS:
            raise RefusedModel(f"The layer {name!r} is {CODE_LAYERS[class_name]}. {INSTEAD.get(class_name, ADVICE)}")
        if class_name == "function" and entry["config"] in own:
            continue
        if class_name == "function":
            function_name = f"{entry.get('module') or ''}.{entry['config']}".strip(".")[:80]
            raise RefusedModel(f"The model asks for the Python function {function_name!r} by its name. {ADVICE}")
        if call := beyond_arithmetic(entry):
            raise RefusedModel(
                f"The layer {name!r} calls TensorFlow's {call!r}, which may do more than compute. {ADVICE}"
            )
        _check_vocabulary(entry, name)
        module = entry.get("module")
        if class_name in own:
            continue
        if isinstance(module, str) and module.split(".")[0] not in ("keras", "builtins", "tf_keras", "tensorflow"):
            raise UnsupportedModel(NOT_OF_KERAS.format(f"{module}.{class_name}"[:80]))


def replace_lambdas(path: str) -> None:
    """Rewrite a file whose Lambda layers are a known preprocessing, so that it holds plain layers instead."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            if not lambdas.replaced(config):
                return
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in (parts | {"config.json": json.dumps(config).encode()}).items():
                archive.writestr(name, content)
        return
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        if lambdas.replaced(config):
            file.attrs["model_config"] = json.dumps(config)


def _check_vocabulary(entry: dict[str, Any], name: str) -> None:
    settings = entry["config"]
    if isinstance(settings, dict) and isinstance(settings.get("vocabulary"), str):
        raise RefusedModel(f"The layer {name!r} reads its vocabulary from a file outside the model. {ADVICE}")


def _entries(config: Any) -> Iterator[dict[str, Any]]:
    """Yield each object of the configuration, outermost first."""
    waiting = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "class_name" in node and "config" in node:
                yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_zip(path: str, own: Collection[str]) -> None:
    with _opened_zip(path) as archive:
        check_config(json.loads(archive.read("config.json")), own)
        for name in archive.namelist():
            if name.endswith(".h5"):
                _check_member(archive, name)


@contextmanager
def _opened_zip(path: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RecursionError, EOFError) as error:
        raise RefusedModel(DAMAGED) from error


def _check_member(archive: zipfile.ZipFile, name: str) -> None:
    # On disk rather than in memory: HDF5 needs random access, and weights can be large.
    with tempfile.TemporaryFile() as copy, archive.open(name) as packed:
        shutil.copyfileobj(packed, copy, 1 << 20)
        with _opened(copy) as weights:
            _check_weights(weights)


def _opened(file: str | IO[bytes]) -> Any:
    try:
        return h5py.File(file, "r")
    except OSError as error:
        raise RefusedModel(DAMAGED) from error


def _legacy_config(weights: Any) -> Any:
    text = weights.attrs.get("model_config")
    if text is None:
        raise UnsupportedModel("This HDF5 file holds weights without a model; save the whole model: model.save(...).")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedModel(DAMAGED) from error


def _check_weights(group: Any) -> None:
    for name in group:
        place = f"{group.name}/{name}".strip("/")[-60:]
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise RefusedModel(f"The weights {place!r} are a link to another place. Save the model again.")
        member = group[name]
        if isinstance(member, h5py.Group):
            _check_weights(member)
        elif isinstance(member, h5py.Dataset):
            _check_dataset(place, member)


def _check_dataset(place: str, dataset: Any) -> None:
    if dataset.external or dataset.is_virtual:
        raise RefusedModel(f"The weights {place!r} lie in a file outside the model. Save the model again.")
    claimed, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if claimed > LIMIT or claimed > DENSEST * max(stored, 1) + (1 << 20):
        raise RefusedModel(f"The weights {place!r} claim {claimed >> 20} MB but store {stored} bytes.")
