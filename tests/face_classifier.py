"""A real classifier of real faces: the features of the sample MobileNetV2 under a head that was fitted to gender."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

MODELS = Path(__file__).resolve().parents[1] / "samples/models"
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
CLASSES, FITTED_TO, ASKED, AT_ONCE, INVERSE_PENALTY = ("Female", "Male"), 120, 120, 32, 0.01
HEAD = "classifier.1.weight", "classifier.1.bias"
UNDECIDED = 1e-3  # so near to one half that rounding may decide
Row = dict[str, str]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FaceClassifier:
    """A network that tells gender, and what it says of n faces that it was not fitted to.

    weights: a state dict of torchvision's mobilenet_v2. rows: file, age, gender and race of each face. pictures: the
    folder of the files. probabilities: (n, 2) by ONNX Runtime; faces that rounding may decide are left out.
    """

    weights: Path
    pictures: Path
    rows: list[Row]
    probabilities: Floats


def face_classifier(faces: Path, to: Path) -> FaceClassifier:
    """Fit a head to some faces of FairFace, write the network's state dict, and ask it about others.

    faces: a folder with labels.csv (file, age, gender, race) and images/.
    """
    with (faces / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    graph, pictures, others = (
        onnx.load(MODELS / "mobilenet_v2.onnx"),
        faces / "images",
        rows[FITTED_TO : FITTED_TO + ASKED],
    )
    head = _head(_outputs(graph, graph.graph.node[-1].input[0], pictures, rows[:FITTED_TO]), rows[:FITTED_TO])
    torch.save(_weights() | {name: torch.from_numpy(values) for name, values in head.items()}, to)
    for one in graph.graph.initializer:
        if one.name in head:
            one.CopyFrom(onnx.numpy_helper.from_array(head[one.name], one.name))
    graph.graph.output[0].type.tensor_type.shape.dim[1].dim_value = len(CLASSES)
    logits = torch.from_numpy(_outputs(graph, "logits", pictures, others))
    probabilities = logits.softmax(1).numpy()
    decided = np.abs(probabilities[:, 0] - 0.5) > UNDECIDED
    kept = [row for row, sure in zip(others, decided, strict=True) if sure]
    return FaceClassifier(to, pictures, kept, probabilities[decided])


def _head(features: Floats, rows: Sequence[Row]) -> dict[str, Floats]:
    """Return weight (2, D) and bias (2,) of a linear head that is fitted to features (n, D)."""
    told = [CLASSES.index(row["gender"]) for row in rows]
    fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000).fit(features, told)
    found = (np.concatenate([-one, one]) / 2 for one in (fitted.coef_, fitted.intercept_))
    return {name: values.astype(np.float32) for name, values in zip(HEAD, found, strict=True)}


def _weights() -> dict[str, torch.Tensor]:
    return dict(torch.load(MODELS / "mobilenet_v2.pth", weights_only=True))


def _outputs(model: onnx.ModelProto, name: str, folder: Path, rows: Sequence[Row]) -> Floats:
    """Return the values of one of a graph's edges, (n, K), for the pictures of some rows."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    if name != whole.graph.output[0].name:
        whole.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    answers = [
        session.run([name], {"input": _inputs(folder, rows[start : start + AT_ONCE])})[0]
        for start in range(0, len(rows), AT_ONCE)
    ]
    return np.concatenate(answers)


def _inputs(folder: Path, rows: Sequence[Row]) -> Floats:
    """Return pictures (n, 3, 224, 224) as torchvision's weights were trained to see them."""
    pixels = np.stack([_middle(folder / row["file"]) for row in rows])
    return np.ascontiguousarray(((pixels / np.float32(255) - MEAN) / STD).transpose(0, 3, 1, 2))


def _middle(file: Path) -> NDArray[np.uint8]:
    """Return the middle 224 of 256 pixels of a square picture."""
    picture = Image.open(file).convert("RGB").resize((256, 256), Image.Resampling.BILINEAR)
    return np.asarray(picture.crop((16, 16, 240, 240)))
