"""The key under which an answer is kept: the digest of everything that determines it."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from xai_core import __version__
from xai_core.jobs.launch import chosen_kernels
from xai_core.jobs.question import Question
from xai_core.types import ModelSource
from xai_core.versions import installed


def key_of(source: ModelSource, question: Question[Any], adapters: str = "") -> str:
    """Return the SHA-256, in hexadecimal, of all that determines the answer: code, CPU kernels, model, question.

    adapters: name of the package that opens models, "" for none. The question counts as it would be sent to a worker.
    The model's name and owner do not count.
    """
    values, arrays = question.to_frame()
    request = {"question": question.name, "values": values, "arrays": list(map(_fingerprint, arrays))}
    return digest_of(source, request, adapters)


def digest_of(source: ModelSource, request: dict[str, Any], adapters: str = "") -> str:
    """Return the SHA-256, in hexadecimal, of the code, the CPU kernels, the model, and a request in JSON values."""
    model = [source.digest, source.architecture, source.task, source.reading, source.code and source.code.identity]
    decides = {"made_by": made_by(adapters), "kernels": chosen_kernels(), "model": model, **request}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _fingerprint(array: NDArray[Any]) -> list[Any]:
    return [array.dtype.str, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]


@cache
def made_by(adapters: str) -> dict[str, str]:
    """Return what computes the answers: the version and the digest of the code, and the versions of all packages.

    adapters: name of the package that opens models, whose code counts too; "" for none.
    """
    code = hashlib.sha256()
    for path in code_of("xai_core", *filter(None, [adapters])):
        code.update(path.read_bytes())
    return {"vitrine": __version__, "code": code.hexdigest(), **installed()}


def code_of(*packages: str) -> list[Path]:
    """Return the Python files of packages that can be imported, without importing them."""
    specs = [spec for package in packages if (spec := find_spec(package))]
    folders = [Path(folder) for spec in specs for folder in spec.submodule_search_locations or ()]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))
