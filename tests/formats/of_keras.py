"""Files of Keras and TensorFlow, from the sample network; TensorFlow writes them in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.formats.asking import CAT, MODELS, most_probable_class
from tests.formats.format import Format, Section, Write

ROOT = Path(__file__).resolve().parents[2]


def plain(folder: Path) -> Path:
    return Path(shutil.copy(MODELS / "mobilenet_v2.keras", folder))


def converted(name: str, statement: str) -> Write:
    """Return what lets Keras execute a statement with `model` and `folder`, and gives the path of `name`."""

    def write(folder: Path) -> Path:
        program = f"import keras; model = keras.saving.load_model({str(plain(folder))!r}); folder = {str(folder)!r}\n"
        subprocess.run([sys.executable, "-W", "ignore", "-c", program + statement], check=True, capture_output=True)
        return folder / name

    return write


def zipped_saved_model(folder: Path) -> Path:
    place = converted("saved", "model.export(folder + '/saved', verbose=False)")(folder)
    with zipfile.ZipFile(folder / "model.zip", "w") as archive:
        for file in place.rglob("*"):
            archive.write(file, file.relative_to(folder))
    return folder / "model.zip"


def of_keras_2(name: str, lite: bool = False) -> Write:
    """Return what writes a file of Keras 2 with tf_keras, or of TensorFlow Lite; the weights are random."""
    program = "import pathlib, sys; from tests.model_adapters.tensorflow.tf_keras_process import lite_files, written; "
    program += "folder = pathlib.Path(sys.argv[1]); models = written(folder)"
    program += "; lite_files(models, folder)" if lite else ""

    def write(folder: Path) -> Path:
        command = [sys.executable, "-W", "ignore", "-c", program, str(folder)]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        return folder / name

    return write


FORWARD = "Predictions and the methods that need no gradient."
APPLICATION = "keras.applications.MobileNet(weights=None, alpha=0.25, classes=3).save_weights(folder + '/m.weights.h5')"

KERAS = Section(
    "Keras and TensorFlow",
    most_probable_class,
    (
        Format("Keras 3 (.keras)", plain, answer=CAT),
        Format("HDF5 of Keras 3 (.h5)", converted("model.h5", "model.save(folder + '/model.h5')"), answer=CAT),
        Format("SavedModel, folder or zip", zipped_saved_model, answer=CAT),
        Format("HDF5 of Keras 2, also with nested models", of_keras_2("functional 2.15.0.h5")),
        Format("Weights alone of a network in keras.applications", converted("m.weights.h5", APPLICATION)),
        Format("converted_keras.zip of Teachable Machine", of_keras_2("converted_keras.zip")),
        Format("TensorFlow Lite (.tflite), float", of_keras_2("float.tflite", lite=True), remedy=FORWARD),
        Format("TensorFlow Lite of 8-bit numbers", of_keras_2("int8.tflite", lite=True), remedy=FORWARD),
        Format("Frozen graph of TensorFlow 1 (.pb)", of_keras_2("frozen.pb", lite=True), remedy=FORWARD),
    ),
)
