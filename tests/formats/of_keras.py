"""Files of Keras and TensorFlow, from the sample network; TensorFlow writes them in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.formats.asking import CAT, MODELS, most_probable_class
from tests.formats.format import Format, Section, Write


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


KERAS = Section(
    "Keras and TensorFlow",
    most_probable_class,
    (
        Format("Keras 3 (.keras)", plain, answer=CAT),
        Format("HDF5 of Keras 3 (.h5)", converted("model.h5", "model.save(folder + '/model.h5')"), answer=CAT),
        Format("SavedModel, folder or zip", zipped_saved_model, answer=CAT),
    ),
)
