"""The same attacks from a model.py: fixtures for files that import the tests of attacks, in place of conftest.py's."""

from __future__ import annotations

import hashlib
import os

import model_adapters
from tests.sandbox.confined import HERE, IMPATIENT, LIMITS, runner_of, source_of
from xai_core.jobs.local import LocalRunner
from xai_core.model_code import ModelCode
from xai_core.types import ModelSource

ATTACK = """
import json, sys, types
import hostile_adapters
setup = json.loads(sys.argv[3])
source = types.SimpleNamespace(path=setup["model"])
NOTES = hostile_adapters.act({words!r}, source, setup["scratch"])
"""


def running(limits, adapters="code_adapters", runs_code=True):
    """Return a runner whose workers may run code, and may import the attacks."""
    readable = [str(HERE), os.path.dirname(model_adapters.__file__)]  # as those of code_adapters import the latter
    return LocalRunner(adapters, limits, most_processes=3, extra_path=readable, runs_code=runs_code)


def with_code(folder, text, owner, weights=b"no weights"):
    """Return a source in a folder whose code has this text."""
    (folder / "weights").write_bytes(weights)
    (folder / "model.py").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    code = ModelCode(str(folder / "model.py"), "model.py", digest)
    return ModelSource(str(folder / "weights"), "model.pt", hashlib.sha256(weights).hexdigest(), owner=owner, code=code)


def _with_attack(folder, words, owner):
    return with_code(folder, ATTACK.format(words=words), owner)


runner = runner_of(LIMITS, running)
impatient_runner = runner_of(IMPATIENT, running)
source = source_of(_with_attack)
