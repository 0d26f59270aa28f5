"""Answers of TensorFlow models, from a process of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ASSETS
from tests.small_models.digits import coloured_digits
from vitrine.samples import sample_models, sample_photos
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.preprocessing import presets
from xai_core.types import ModelSource

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Answers:
    """What the adapter said of each model, or the error it ended in; arrays are named "model.what"."""

    said: dict[str, dict[str, Any]]
    arrays: dict[str, np.ndarray]


def sample_source(framework: str) -> ModelSource:
    found = [model for model in sample_models() if model.framework == framework]
    if not found:
        pytest.skip("The samples are not built; run: python samples/build.py")
    return found[0].source()


def sample_pictures() -> tuple[KnownPhoto, ...]:
    found = sample_photos()
    return found if found else pytest.skip("The samples are not built; run: python samples/build.py")


@pytest.fixture(scope="session")
def sample() -> Callable[[str], ModelSource]:
    """The sample model of a framework; the test is skipped where it is not built."""
    return sample_source


@pytest.fixture(scope="session")
def photos() -> np.ndarray:
    """The open-licence photos as MobileNetV2 wants them, (7, 224, 224, 3)."""
    wanted = presets(224, 224)["ImageNet mean/std"]
    return wanted.normalise(np.stack([wanted.place(one.picture().pixels) for one in sample_pictures()]))


@pytest.fixture(scope="session")
def photo_targets() -> np.ndarray:
    """A class for each photo: a right one, or "tabby" where there is none."""
    return np.array([one.classes[0] if one.classes else 281 for one in sample_pictures()])


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """200 digits that the small CNN was not trained on, (200, 32, 32, 3) in 0..1, and which they are."""
    held_out = coloured_digits().held_out
    return held_out.pictures[:200].astype(np.float32) / 255, held_out.classes[:200]


@pytest.fixture(scope="session")
def cifar(assets: Path) -> tuple[np.ndarray, np.ndarray]:
    """200 CIFAR-10 test pictures (200, 32, 32, 3) in 0..1 and their classes."""
    return cifar_pictures()


def cifar_pictures() -> tuple[np.ndarray, np.ndarray]:
    with np.load(ASSETS / "datasets/cifar10/cifar10_train3000_test2000.npz") as data:
        pictures, classes = data["x_test"][:200], data["y_test"][:200]
    return np.asarray(pictures, np.float32) / 255, np.asarray(classes, np.int64).ravel()


@pytest.fixture(scope="session")
def tensorflow_folder(
    tmp_path_factory: pytest.TempPathFactory,
    small_models: Path,
    photos: np.ndarray,
    photo_targets: np.ndarray,
    digits: tuple[np.ndarray, np.ndarray],
) -> Path:
    """The folder in which one process of TensorFlow wrote down what it answered and what it saw inside models."""
    folder = tmp_path_factory.mktemp("tensorflow")
    shutil.copyfile(sample_source("Keras").path, folder / "sample.keras")
    given = {"sample": photos, "sample.targets": photo_targets}
    models = {"cnn": small_models / "cnn.h5"}
    asked = {"cnn": digits}
    if ASSETS.exists():
        models |= {"cifar": ASSETS / "models/keras/cifar10_cnn.h5"}
        asked |= {"cifar": cifar_pictures()}
    for name, (pictures, classes) in asked.items():
        given |= {name: pictures * 255, f"{name}.targets": classes[:4]}
    for name, array in given.items():
        np.save(folder / f"{name}.npy", array)
    command = [sys.executable, "-B", "-m", "tests.model_adapters.tensorflow_process", str(folder)]
    command += [f"{name}={path}" for name, path in models.items()]
    subprocess.run(command, check=True, capture_output=True, cwd=HERE.parents[1])
    return folder


@pytest.fixture(scope="session")
def tensorflow_answers(tensorflow_folder: Path) -> Answers:
    return answers_in(tensorflow_folder, "answers")


def answers_in(folder: Path, name: str) -> Answers:
    """Read what a process wrote down as NAME.json and NAME.npz."""
    with np.load(folder / f"{name}.npz") as arrays:
        return Answers(json.loads((folder / f"{name}.json").read_text("utf-8")), dict(arrays))


@pytest.fixture(scope="session")
def keras_2_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files as Keras 2 and TensorFlow 1 and 2 left them, and what the adapter answers for Keras 2."""
    return with_tf_keras(tmp_path_factory.mktemp("keras2"))


@pytest.fixture(scope="session")
def more_keras_2_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of further files of TensorFlow Lite, and what xplique answers for Keras 2."""
    return with_tf_keras(tmp_path_factory.mktemp("keras2_more"), "more")


def with_tf_keras(folder: Path, *words: str) -> Path:
    """Have a process of its own write files with tf_keras, and what it answers, into a folder."""
    command = [sys.executable, "-B", str(HERE / "tensorflow/tf_keras_process.py"), str(folder), *words]
    subprocess.run(command, check=True, capture_output=True)
    return folder
