"""The files of the code that comes with a model: one .py file, or a zip of some; bounded before they are read."""

from __future__ import annotations

import ast
import posixpath
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from model_adapters.files.archives import opened_zip
from xai_core.errors import RefusedModel
from xai_core.model_code import ModelCode

MOST_FILES, LARGEST_FILE, LARGEST_OF_ALL = 200, 1 << 20, 8 << 20  # files, bytes, bytes
IGNORED = ("__MACOSX", ".git", "__pycache__", ".ipynb_checkpoints")
NO_PYTHON = "Expected a Python file, such as model.py, or a zip of Python files; {0} is neither."
NOTEBOOK = "This is a notebook. Save its code as a Python file (File > Save and Export As > Executable Script)."
TOO_LARGE = f"The code is too large: at most {MOST_FILES} Python files of {LARGEST_FILE >> 20} MB each are read."


@dataclass(frozen=True)
class Module:
    """A Python file: its path within the code, its name for import, its syntax tree."""

    file: str
    name: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        """The folder, within the code, from which `name` is imported; "" is the outermost."""
        return "/".join(self.file.removesuffix(".py").split("/")[: -len(self.name.split("."))])


def read_modules(code: ModelCode) -> list[Module]:
    """Return the Python files of code, parsed but not run; RefusedModel if it is not Python, too large or wrong."""
    texts = read_texts(code)
    return [_parsed(file, text, texts) for file, text in texts.items()]


def read_texts(code: ModelCode) -> dict[str, bytes]:
    """Return the Python files of code by path; a single file has the name that users know it by."""
    if zipfile.is_zipfile(code.path):
        texts = _zipped(code.path)
    else:
        with open(code.path, "rb") as file:
            texts = {_own_name(code.name): file.read(LARGEST_FILE + 1)}
    if not texts:
        raise RefusedModel("The zip holds no Python file. Pack the .py files that define the model.")
    too_large = any(len(text) > LARGEST_FILE for text in texts.values())
    if too_large or len(texts) > MOST_FILES or sum(map(len, texts.values())) > LARGEST_OF_ALL:
        raise RefusedModel(TOO_LARGE)
    return texts


def _zipped(path: str) -> dict[str, bytes]:
    with opened_zip(path) as archive:
        wanted = [info for info in archive.infolist() if _is_code(info.filename)]
        if len(wanted) > MOST_FILES or any(info.file_size > LARGEST_FILE for info in wanted):
            raise RefusedModel(TOO_LARGE)
        return {posixpath.normpath(info.filename): archive.read(info) for info in wanted}


def _is_code(name: str) -> bool:
    return name.endswith(".py") and not any(part in IGNORED for part in name.split("/"))


def _own_name(name: str) -> str:
    """Return a name under which a file can be imported."""
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return f"{stem if stem.isidentifier() and stem.isascii() else 'model'}.py"


def _parsed(file: str, text: bytes, texts: Mapping[str, bytes]) -> Module:
    try:
        tree = ast.parse(text, file)
    except SyntaxError as error:
        if text.lstrip()[:1] == b"{" and b'"cells"' in text:
            raise RefusedModel(NOTEBOOK) from None
        line = f", line {error.lineno}" if error.lineno else ""
        raise RefusedModel(f"{_shown(file)}{line}: {_shown(error.msg)}. Fix it and try again.") from None
    except (ValueError, RecursionError, MemoryError):
        raise RefusedModel(NO_PYTHON.format(_shown(file))) from None
    return Module(file, _import_name(file, texts, _levels(tree)), tree)


def _levels(tree: ast.Module) -> int:
    """Return how many packages a module's relative imports go up."""
    return max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)


def _import_name(file: str, texts: Mapping[str, bytes], levels: int) -> str:
    """Return the name under which a file is imported: with its packages, or as many folders as it imports from."""
    *folders, name = file.removesuffix(".py").split("/")
    packages = 0
    while packages < len(folders):
        place = "/".join(folders[: len(folders) - packages])
        if f"{place}/__init__.py" not in texts and packages >= levels:
            break
        packages += 1
    return ".".join([*folders[len(folders) - packages :], name])


def _shown(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:100])
