"""Read the files of a model's folder from a hub, which arrives packed as one archive."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_adapters.files.archives import unpack
from model_adapters.files.preflight import HUB_WEIGHTS, inspect
from model_adapters.pytorch import files
from model_adapters.pytorch.checkpoint import reading
from xai_core.errors import RefusedModel, UnsupportedModel

CONFIG = "config.json"
INDEX = ".index.json"
LARGEST_JSON = 64 << 20  # bytes
MOST_PARTS = 200
PLAIN_NAME = re.compile(r"[\w.-]{1,120}")


@dataclass(frozen=True)
class Folder:
    """An unpacked folder with config.json and weights."""

    place: Path

    def json(self, name: str) -> dict[str, Any] | None:
        """Return the object in a JSON file, None if there is no such file; RefusedModel if it holds anything else."""
        path = self.place / name
        if not path.is_file():
            return None
        try:
            values = json.loads(path.read_bytes()) if path.stat().st_size <= LARGEST_JSON else None
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise RefusedModel(f"{name} must be a JSON object of at most {LARGEST_JSON >> 20} MB. Get a fresh copy.")
        return values

    @property
    def config(self) -> dict[str, Any]:
        """The object in config.json."""
        return self.json(CONFIG) or {}

    def content(self) -> Any:
        """Return what the weight files hold: tensors by name, or a checkpoint around them."""
        name = next(name for name in HUB_WEIGHTS if (self.place / name).is_file())
        return self._parts(name) if name.endswith(INDEX) else _read(self.place / name)

    def _parts(self, index: str) -> dict[str, Any]:
        places = (self.json(index) or {}).get("weight_map")
        if not isinstance(places, Mapping) or not all(isinstance(name, str) for name in places.values()):
            raise RefusedModel(f"{index} does not say which file holds which weights. Get a fresh copy.")
        tensors: dict[str, Any] = {}
        for name in self._files(set(places.values())):
            tensors |= _read(self.place / name)
        if absent := [name for name in places if name not in tensors]:
            raise RefusedModel(f"{len(absent)} tensors of {index} are in none of its files, such as {absent[0][:80]}.")
        return tensors

    def _files(self, names: set[str]) -> Iterator[str]:
        if len(names) > MOST_PARTS:
            raise RefusedModel(f"The weights are split into {len(names)} files; the limit is {MOST_PARTS}.")
        for name in sorted(names):
            if not PLAIN_NAME.fullmatch(name) or not (self.place / name).is_file():
                raise RefusedModel(
                    f"The weights are split into {len(names)} files, and {name[:80]!r} is not among those packed. "
                    "Pack the whole folder."
                )
            yield name


def opened_folder(path: str, scratch: str) -> Folder:
    """Unpack an archive below `scratch` and return the folder in it; RefusedModel if there is none, or several."""
    place = tempfile.mkdtemp(dir=scratch)
    unpack(path, place)
    folders = [Path(at) for at, _, names in os.walk(place) if CONFIG in names and any(n in names for n in HUB_WEIGHTS)]
    depth = min((len(folder.parts) for folder in folders), default=0)
    outermost = [folder for folder in folders if len(folder.parts) == depth]
    if len(outermost) != 1:
        raise RefusedModel(f"The archive holds {len(outermost)} folders with {CONFIG} and weights; expected one.")
    return Folder(outermost[0])


def _read(path: Path) -> Any:
    """Return the tensors of a file of weights. A pickle is read as data, and refused if it would run code."""
    kind = inspect(str(path))
    if kind.format == "safetensors":
        return files.read_safetensors(str(path))
    if kind.format == "torch-weights":
        return reading.read(str(path)).content
    raise UnsupportedModel(f"{path.name} is a {kind.format} file; expected safetensors or a PyTorch state dict.")
