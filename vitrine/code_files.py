"""Code on disk that defines a model's network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitrine.files import digest_of, pack
from xai_core.errors import ModelError
from xai_core.jobs.folders import private_folder
from xai_core.model_code import LIKELIEST, ModelCode

Arguments = str | Mapping[str, Any]


@dataclass(frozen=True)
class CodeWish:
    """The code that a caller names: its file or folder, the class or function, and what that is called with."""

    path: str | os.PathLike[str]
    class_name: str = ""
    arguments: Arguments | None = None

    @property
    def as_python(self) -> str | None:
        """The arguments as in a call."""
        if self.arguments is None or isinstance(self.arguments, str):
            return self.arguments
        return ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())


@contextmanager
def model_code(wish: CodeWish) -> Iterator[ModelCode]:
    """Yield the code that a caller names; a folder's Python files are packed into a temporary zip. ModelError."""
    place, entry = Path(wish.path), wish.class_name or LIKELIEST
    if not place.exists():
        raise ModelError(f"The code {place.name} does not exist. Pass a .py file, a zip of .py files, or their folder.")
    if not place.is_dir():
        yield ModelCode(str(place.resolve()), place.name, digest_of(place), entry, wish.as_python)
        return
    with tempfile.TemporaryDirectory(dir=private_folder("model")) as folder:
        packed = Path(folder) / "code.zip"
        pack(place, packed, "*.py")
        yield ModelCode(str(packed), place.name, digest_of(packed), entry, wish.as_python)
