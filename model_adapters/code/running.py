"""Run code that came with a model, in a worker that may."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from model_adapters.code import sentences
from model_adapters.code.definitions import Definition
from model_adapters.code.files import Module, read_modules, read_texts
from model_adapters.code.permission import check_allowed
from xai_core.errors import UnsupportedModel
from xai_core.model_code import ModelCode

SETTINGS = "hyper_parameters"  # how arguments may name the settings that the weights' file holds


class Settings(dict[str, Any]):
    """The settings of a training, as a mapping, a namespace, or both, as code may expect them."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class RunnableCode:
    """The files of some code, unpacked in a folder of the worker's; nothing has run yet.

    Raises RefusedModel if code must not run here, before anything is written.
    """

    def __init__(self, code: ModelCode, scratch: str) -> None:
        check_allowed()
        self.modules: list[Module] = read_modules(code)
        texts = read_texts(code)
        self._root = os.path.join(scratch, f"code-{_digest(texts)}")
        if not os.path.isdir(self._root):  # what is opened again for another task finds the modules that ran already
            self._unpack(texts)

    def run(self, module: Module) -> ModuleType:
        """Run a file and what it imports, and return it as a module; an error becomes a sentence."""
        check_allowed()
        first = module.name.partition(".")[0]
        if first in sys.modules and not self._is_own(sys.modules[first]):
            raise UnsupportedModel(f"The file {first}.py has the same name as a library. Rename it and try again.")
        with self.in_sentences():
            for folder in dict.fromkeys(["", *_ancestors(module.folder)]):
                sys.path.insert(0, os.path.join(self._root, folder))
            importlib.invalidate_caches()
            return importlib.import_module(module.name)

    def built(self, definition: Definition, arguments: str, settings: Mapping[str, Any]) -> Any:
        """Return what a class or function makes of arguments, which are Python in its module's own namespace."""
        module = self.run(definition.module)
        space = {**vars(module), SETTINGS: Settings(settings)}
        try:
            call = compile(f"{definition.name}({arguments})", "arguments", "eval")
        except (SyntaxError, ValueError):
            raise UnsupportedModel(
                f"The arguments {sentences.harmless(arguments)!r} are not valid Python. Write them as in a call: "
                "num_classes=10, width=32."
            ) from None
        with self.in_sentences():
            return eval(call, space)

    def in_sentences(self) -> AbstractContextManager[None]:
        """Return a context in which whatever the code raises becomes a sentence."""
        return sentences.in_sentences(self._root)

    def _unpack(self, texts: Mapping[str, bytes]) -> None:
        for name, text in texts.items():
            place = os.path.join(self._root, name)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "xb") as file:
                file.write(text)

    def _is_own(self, module: ModuleType) -> bool:
        return str(getattr(module, "__file__", None) or self._root).startswith(self._root)


def _digest(texts: Mapping[str, bytes]) -> str:
    """Return a text that differs for files of other names or contents."""
    parts = (f"{name!r} {hashlib.sha256(text).hexdigest()}\n" for name, text in sorted(texts.items()))
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:32]


def _ancestors(folder: str) -> list[str]:
    """Return "a" and "a/b" for "a/b"."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
