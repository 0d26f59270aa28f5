"""All that decides an answer is in the key under which it is kept, and nothing else."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest

import xai_core.methods  # noqa: F401
from xai_core import versions
from xai_core.detector import BoxTarget
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.jobs.questions.predict import Predict
from xai_core.method import method_named
from xai_core.model_code import ModelCode
from xai_core.preprocessing import Preprocessing
from xai_core.services.results_key import code_of, key_of, made_by
from xai_core.types import Conditions, ModelSource

SOURCE = ModelSource("/somewhere/model.onnx", "model.onnx", "ab" * 32)
BOX = BoxTarget((1.0, 2.0, 5.0, 6.0), 1, 0.9, (0.1, 0.9))


@pytest.fixture
def question():
    image = np.random.default_rng(0).random((6, 9, 3), np.float32)
    return Explain(Preprocessing(6, 9), method_named("rise")(samples=200), image, np.array([3, 1]))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("preprocessing", Preprocessing(6, 9, mean=(0.5, 0.5, 0.5))),
        ("image", np.zeros((6, 9, 3), np.float32)),
        ("method", method_named("rise")(samples=300)),
        ("method", method_named("saliency")()),
        ("targets", np.array([1, 3])),
        ("conditions", Conditions("bfloat16")),
        ("conditions", Conditions(random_last_layer=0)),
        ("conditions", Conditions(peer="captum")),
    ],
)
def test_all_that_decides_an_answer_is_in_the_key(question, name, other):
    assert key_of(SOURCE, question) != key_of(SOURCE, replace(question, **{name: other}))


@pytest.mark.parametrize(
    "change", [{"digest": "cd" * 32}, {"architecture": "torchvision/resnet18"}, {"task": "detect"}, {"reading": "ssd"}]
)
def test_all_that_decides_what_the_model_is_is_in_the_key(question, change):
    assert key_of(SOURCE, question) != key_of(replace(SOURCE, **change), question)


@pytest.mark.parametrize("change", [{"digest": "ef" * 32}, {"entry": "Other"}, {"arguments": "width=9"}])
def test_all_that_decides_what_code_builds_is_in_the_key(question, change):
    code = ModelCode("/somewhere/model.py", "model.py", "cd" * 32, "Net")
    with_code = replace(SOURCE, code=code)
    assert key_of(with_code, question) != key_of(SOURCE, question)
    assert key_of(with_code, question) != key_of(replace(SOURCE, code=replace(code, **change)), question)
    assert key_of(with_code, question) == key_of(replace(SOURCE, code=replace(code, path="/b.py", name="b")), question)


def test_a_new_version_forgets(question, monkeypatch):
    before = key_of(SOURCE, question)
    monkeypatch.setattr("xai_core.services.results_key.made_by", lambda adapters: {"vitrine": "99"})
    assert key_of(SOURCE, question) != before


@pytest.mark.parametrize("variable", ["ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"])
def test_the_kernels_that_a_worker_is_made_to_use_are_in_the_key(question, monkeypatch, variable):
    monkeypatch.delenv(variable, raising=False)
    before = key_of(SOURCE, question)
    monkeypatch.setenv(variable, "avx2")
    assert key_of(SOURCE, question) != before


def test_what_computes_the_answers_is_named_down_to_the_code():
    assert {"vitrine", "code", "numpy"} <= set(made_by(""))
    assert made_by("model_adapters")["code"] != made_by("")["code"]


READ_ONLY = {
    "pillow",
    "pillow-heif",
    "pydicom",
    "tifffile",
    "h5py",
    "safetensors",
}  # the picture and the weights that they read are in the key themselves
NO_MAP = {
    "jinja2",
    "scikit-learn",
    "pandas",
    "pyarrow",
    "python-calamine",
    "tensorboard",
}  # metrics and reports, which are not kept


def test_every_library_that_decides_a_map_is_named():
    modules = {name.partition(".")[0] for path in code_of("xai_core", "model_adapters") for name in imported(path)}
    known = packages_distributions()
    own = {"xai_core", "model_adapters"}
    foreign = modules - set(sys.stdlib_module_names) - own
    assert {"numpy", "torch", "skimage", "scipy", "openvino"} <= foreign
    for module in foreign & set(known):
        packages = {package.replace("_", "-").lower() for package in known[module]}
        assert packages & (set(versions.ALL) | READ_ONLY | NO_MAP), module


def imported(path: Path) -> Iterator[str]:
    """Yield the names of the modules that a file imports, also by `importlib.import_module`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            yield from (one.value for one in node.args if isinstance(one, ast.Constant))


def test_whose_file_it_is_and_what_it_is_called_are_not_in_the_key(question):
    moved = replace(SOURCE, path="/elsewhere", name="other", owner="another")
    assert key_of(SOURCE, question) == key_of(moved, question)


@pytest.mark.parametrize(
    "other",
    [
        (BOX, BOX),
        (replace(BOX, corners=(1.0, 2.0, 5.0, 6.5)),),
        (replace(BOX, label=0),),
        (replace(BOX, score=0.8),),
        (replace(BOX, class_scores=(0.2, 0.8)),),
    ],
)
def test_all_that_is_known_of_a_box_is_in_the_key(question, other):
    boxes = ExplainBoxes(question.method, question.image, [BOX])
    assert key_of(SOURCE, boxes) != key_of(SOURCE, replace(boxes, targets=other))


def test_the_same_values_in_a_different_question_are_a_different_key(question):
    predict = Predict(question.preprocessing, question.image[None])
    assert key_of(SOURCE, predict) != key_of(SOURCE, FindEngines(question.preprocessing, question.image[None]))
