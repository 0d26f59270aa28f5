"""ONNX files, from the sample network."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from tests.formats.asking import CAT, MODELS, most_probable_class
from tests.formats.format import Format, Section, Write


def sample() -> ModelProto:
    return onnx.load(MODELS / "mobilenet_v2.onnx")


def plain(folder: Path) -> Path:
    return Path(shutil.copy(MODELS / "mobilenet_v2.onnx", folder))


def changed(change: Callable[[ModelProto], object]) -> Write:
    """Return what writes the sample network after a change to its graph."""

    def write(folder: Path) -> Path:
        model = sample()
        change(model)
        onnx.save(model, folder / "changed.onnx")
        return folder / "changed.onnx"

    return write


def half(folder: Path) -> Path:
    onnx.save(convert_float_to_float16(sample()), folder / "half.onnx")
    return folder / "half.onnx"


def outside(folder: Path) -> Path:
    inner = folder / "unpacked"
    inner.mkdir()
    onnx.save(sample(), inner / "model.onnx", save_as_external_data=True, location="model.data")
    with zipfile.ZipFile(folder / "model.zip", "w") as archive:
        for file in inner.iterdir():
            archive.write(file, file.name)
    return folder / "model.zip"


def without_its_data(folder: Path) -> Path:
    outside(folder)
    return folder / "unpacked" / "model.onnx"


def fix_batch(model: ModelProto, size: int = 8) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = size


def name_classes(model: ModelProto) -> None:
    entry = model.metadata_props.add()
    entry.key, entry.value = "labels", str({index: f"kind {index}" for index in range(1000)})


def give_features_first(model: ModelProto) -> None:
    features = model.graph.node[-1].input[0]
    model.graph.output.insert(0, helper.make_tensor_value_info(features, TensorProto.FLOAT, None))


def ask_for_a_foreign_operator(model: ModelProto) -> None:
    last = model.graph.node[-1]
    scores = last.output[0]
    last.output[0] = "before"
    model.graph.node.append(
        helper.make_node(
            "The model uses our.company:Secret, which no runtime here knows.",
            ["before"],
            [scores],
            domain="our.company",
        )
    )
    model.opset_import.append(helper.make_opsetid("our.company", 1))


def words(folder: Path) -> Path:
    inputs = [helper.make_tensor_value_info("words", TensorProto.INT64, ["N", 12])]
    outputs = [helper.make_tensor_value_info("sum", TensorProto.INT64, ["N", 1])]
    node = helper.make_node("ReduceSum", ["words", "axes"], ["sum"])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], np.array([1]))
    graph = helper.make_graph([node], "words", inputs, outputs, [axes])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "w.onnx")
    return folder / "w.onnx"


ONNX = Section(
    "ONNX",
    most_probable_class,
    (
        Format("ONNX with logits or probabilities, opset 7 to 24", plain, answer=CAT),
        Format("float16", half, answer=CAT),
        Format("Fixed batch, such as 8", changed(fix_batch), answer=CAT),
        Format("Class names in the metadata", changed(name_classes), answer="kind 285"),
        Format("Zip of the model and its external data", outside, answer=CAT),
        Format(
            "Model without its external data",
            without_its_data,
            "refused",
            "The weights must lie beside the model; pack both into one zip.",
            "Upload a zip of the .onnx file and its data file.",
        ),
        Format(
            "Several outputs, such as features and scores",
            changed(give_features_first),
            "asks",
            "Choose one",
            "Choose an output; each is shown with what it predicts.",
        ),
        Format(
            "Custom operators of a company",
            changed(ask_for_a_foreign_operator),
            "refused",
            "The model uses our.company:Secret, which no runtime here knows.",
            "Export the model without them.",
        ),
        Format("Model for text or sound", words, "refused", "The model's input is not a picture"),
    ),
)
