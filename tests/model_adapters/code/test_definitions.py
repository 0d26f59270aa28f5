"""Networks are found in code that never runs."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from model_adapters.code.definitions import Parameter, find_definitions, short_names
from model_adapters.code.files import read_modules
from xai_core.errors import RefusedModel
from xai_core.model_code import ModelCode

NET = """
import torch.nn as nn
from torchvision import models
raise SystemExit("this never runs")
class Block(nn.Module):
    def __init__(self, width): self.conv = nn.Conv2d(width, width, 3)
class Base(nn.Module):
    def __init__(self, classes, width=8, *, act=nn.ReLU, **others): self.block = Block(width)
class Net(Base):
    def build(self): self.add_module("fc", nn.Linear(1, 1))
class Table: pass
def build_model(num_classes: int = 2): return Net(num_classes)
def resnet(num_classes): return models.resnet18(num_classes=num_classes)
def train(model): return model
def _private(): return Net(1)
"""


def code_of(folder, files, name="code.zip"):
    """Return code in a file, a zip if there are several."""
    path = folder / name
    if len(files) == 1:
        path.write_text(files.popitem()[1])
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for file, text in files.items():
                archive.writestr(file, text)
    return ModelCode(str(path), name, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def found(tmp_path):
    return {d.name: d for d in find_definitions(read_modules(code_of(tmp_path, {"": NET}, "net.py")))}


def test_classes_of_networks_and_functions_that_build_one_are_found(found):
    assert list(found) == ["Block", "Base", "Net", "build_model", "resnet"]
    assert [definition.kind for definition in found.values()] == ["class", "class", "class", "function", "function"]


def test_parameters_come_with_their_defaults_and_from_the_parent_class(found):
    assert found["Net"].parameters == (Parameter("classes"), Parameter("width", "8"), Parameter("act", "nn.ReLU"))
    assert found["build_model"].parameters == (Parameter("num_classes", "2"),)


def test_parts_are_those_of_the_class_and_its_parents(found):
    assert found["Net"].parts == found["build_model"].parts == {"block", "fc"}
    assert (found["Block"].within, found["Net"].within) == (True, False)


def test_files_of_a_zip_are_imported_by_their_package(tmp_path):
    files = {
        "repo/net/__init__.py": "",
        "repo/net/a.py": "from torch import nn\nclass Net(nn.Module): pass",
        "repo/loose/b.py": "from .c import x\nfrom torch import nn\nclass Net(nn.Module): pass",
        "repo/d.py": "from net.a import Net\nclass Own(Net): pass",
        "__MACOSX/e.py": "class (",
    }
    definitions = find_definitions(read_modules(code_of(tmp_path, files)))
    assert list(short_names(definitions)) == ["net.a.Net", "loose.b.Net", "Own"]
    assert {definition.module.folder for definition in definitions} == {"repo"}


WRONG = {
    "class Net(:": "net.py, line 1: invalid syntax",
    "x = 1\n  y = 2": "net.py, line 2: unexpected indent",
    '{"cells": [}': "This is a notebook",
    "\0": "Expected a Python file|source code string cannot contain null bytes",
    "-" * 200_000 + "1": "Expected a Python file|too many nested|too complex|line 1",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_python_is_refused_with_its_line(tmp_path, text):
    with pytest.raises(RefusedModel, match=WRONG[text]):
        read_modules(code_of(tmp_path, {"": text}, "net.py"))


def test_too_much_code_is_refused(tmp_path):
    many = {f"{number}.py": "" for number in range(201)}
    with pytest.raises(RefusedModel, match="at most 200 Python files"):
        read_modules(code_of(tmp_path, many))
    with pytest.raises(RefusedModel, match="holds no Python file"):
        read_modules(code_of(tmp_path, {"a.txt": "", "b.txt": ""}))
