"""Where uploaded model files are stored: in a private folder, a subfolder per owner, named by digest."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
import uuid
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

from xai_core.types import ModelSource

CHUNK = 1 << 20


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="vitrine-uploads-", dir=os.environ.get("VITRINE_UPLOADS")))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


def keep(stream: BinaryIO, name: str, owner: str) -> ModelSource:
    """Copy an uploaded file to the owner's folder, chunk by chunk, and return it as a source."""
    folder = _root() / owner
    folder.mkdir(mode=0o700, exist_ok=True)
    part = folder / uuid.uuid4().hex
    digest = hashlib.sha256()
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
    final = part.rename(folder / digest.hexdigest())
    return ModelSource(str(final), name, digest.hexdigest(), owner=owner)


def handed_over(source: ModelSource, owner: str) -> ModelSource:
    """Return a source whose file also belongs to a second owner; a sample, shared by all, stays as it is."""
    if source.owner in ("", owner):
        return source
    folder = _root() / owner
    folder.mkdir(mode=0o700, exist_ok=True)
    link = folder / source.digest
    with suppress(FileExistsError):
        os.link(source.path, link)
    return replace(source, path=str(link), owner=owner)


def forget(owner: str) -> None:
    """Delete everything that an owner uploaded."""
    shutil.rmtree(_root() / owner, ignore_errors=True)
