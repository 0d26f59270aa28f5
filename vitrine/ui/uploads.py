"""Where uploaded model files are stored: in a private folder, a subfolder per owner, named by digest."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

from xai_core.errors import DataError
from xai_core.jobs.folders import private_folder
from xai_core.jobs.sentences import FULL_DISK, is_of_full_disk
from xai_core.model_code import ModelCode
from xai_core.types import ModelSource

LOG = logging.getLogger(__name__)
CHUNK = 1 << 20
UNWRITABLE = "This server cannot write to its folder for uploaded files. Ask whoever runs Vitrine to look at its log."


@cache
def _root() -> Path:
    return Path(private_folder("uploads", os.environ.get("VITRINE_UPLOADS")))


def keep(stream: BinaryIO, name: str, owner: str) -> ModelSource:
    """Copy an uploaded file to the owner's folder, chunk by chunk, and return it as a source.

    Raises DataError if the disk is full, or the folder for uploads cannot be written.
    """
    try:
        path = _stored(stream, _root() / owner)
    except OSError as error:
        LOG.error("An upload could not be stored.", exc_info=error)
        raise DataError(FULL_DISK if is_of_full_disk(error) else UNWRITABLE) from error
    return ModelSource(str(path), name, path.name, owner=owner)


def _stored(stream: BinaryIO, folder: Path) -> Path:
    """Store a stream in a folder under its digest; if that fails, leave nothing of it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    part = folder / uuid.uuid4().hex
    try:
        return part.rename(folder / _copy(stream, part))
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _copy(stream: BinaryIO, part: Path) -> str:
    """Copy a stream to a new file, and return the SHA-256 of its bytes."""
    digest = hashlib.sha256()
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def keep_code(stream: BinaryIO, name: str, owner: str) -> ModelCode:
    """Copy an uploaded file of code to the owner's folder, as `keep` does, and return it; nothing in it is read."""
    kept = keep(stream, name, owner)
    return ModelCode(kept.path, name, kept.digest)


def handed_over(source: ModelSource, owner: str) -> ModelSource:
    """Return a source whose file also belongs to a second owner; a sample, shared by all, stays as it is."""
    if source.owner in ("", owner):
        return source
    folder = _root() / owner
    folder.mkdir(mode=0o700, exist_ok=True)
    code = source.code and replace(source.code, path=_linked(source.code.path, folder / source.code.digest))
    return replace(source, path=_linked(source.path, folder / source.digest), owner=owner, code=code)


def _linked(path: str, link: Path) -> str:
    with suppress(FileExistsError):
        os.link(path, link)
    return str(link)


def forget(owner: str) -> None:
    """Delete everything that an owner uploaded."""
    shutil.rmtree(_root() / owner, ignore_errors=True)
