"""Find out which Keras wrote a file, and so which library opens it; without any framework."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from typing import Any, Literal

import h5py

from xai_core.errors import RefusedModel
from xai_core.types import FileKind

DAMAGED = "The Keras file is damaged or cut short. Get a fresh copy, or save it again."
INSTALL = (
    "The file was written by Keras {version}, and Keras 3 cannot open it. Install tf_keras where Vitrine runs "
    "(pip install --no-deps tf_keras), or open the file where it was made and export the model to ONNX."
)
_METADATA = "metadata.json"


def hdf5_kind(path: str) -> FileKind:
    """Return the kind of an HDF5 file: a model, or weights alone; RefusedModel if it is damaged."""
    try:
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                return FileKind("keras-weights", "tensorflow")
    except OSError as error:
        raise RefusedModel(DAMAGED) from error
    return FileKind("keras-h5", framework_for(version_of(path)))


def version_of(path: str) -> str:
    """Return the version of Keras that wrote a file, "" if it does not say."""
    if zipfile.is_zipfile(path):
        return _version_in_zip(path)
    try:
        with h5py.File(path, "r") as file:
            return _text(file.attrs.get("keras_version", "2"))  # versions before 1.1 do not say
    except OSError:
        return ""


def framework_for(version: str) -> Literal["tensorflow", "tf_keras"]:
    """Return whose worker opens a file that this version of Keras wrote."""
    return "tf_keras" if is_keras_2(version) and has_tf_keras() else "tensorflow"


def is_keras_2(version: str) -> bool:
    return version.startswith(("1", "2"))


def has_tf_keras() -> bool:
    """Return whether tf_keras is installed."""
    return importlib.util.find_spec("tf_keras") is not None


def _version_in_zip(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            return _text(json.loads(archive.read(_METADATA)).get("keras_version"))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, AttributeError, OSError):
        return ""


def _text(value: Any) -> str:
    plain = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return plain[:20] if isinstance(plain, str) else ""
