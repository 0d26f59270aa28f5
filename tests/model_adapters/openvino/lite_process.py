"""Opens TensorFlow Lite files and frozen graphs with the adapter, and runs the former with LiteRT too.

`lite_process.py FOLDER` reads the files of the folder and writes lite.npz and lite.json there. Tests start it, since a
worker imports one framework only.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import model_adapters
from xai_core.errors import VitrineError
from xai_core.types import ModelSource

INPUTS = np.random.default_rng(2).uniform(-1, 1, (3, 16, 16, 3)).astype(np.float32)


def by_litert(path):
    """Return the answers (N, K) of LiteRT, which takes a picture at a time, and the step of its outputs."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (taken,), given = interpreter.get_input_details(), interpreter.get_output_details()[0]
    rows = []
    for picture in INPUTS:
        interpreter.set_tensor(taken["index"], stored(picture[None], taken))
        interpreter.invoke()
        rows.append(values(interpreter.get_tensor(given["index"])[0], given))
    return np.stack(rows), given["quantization"][0]


def stored(values, detail):
    (scale, zero), number = detail["quantization"], detail["dtype"]
    if number == np.float32:
        return values
    limits = np.iinfo(number)
    return np.clip(np.rint(values / scale + zero), limits.min, limits.max).astype(number)


def values(stored, detail):
    scale, zero = detail["quantization"]
    return (stored.astype(np.float32) - zero) * scale if scale else stored


def with_labels(folder):
    """Pack labels beside a file, and append them to a copy of it, as TensorFlow Lite's metadata are."""
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.write(folder / "int8.tflite", "model.tflite")
        archive.writestr("labels.txt", "0 cat\n1 dog\n2 bird\n")
    (folder / "appended.tflite").write_bytes((folder / "float.tflite").read_bytes())
    with zipfile.ZipFile(folder / "appended.tflite", "a") as archive:
        archive.writestr("labelmap.txt", "cat\ndog\nbird\n")
    (folder / "cut.tflite").write_bytes((folder / "float.tflite").read_bytes()[:200])


def opened(path, folder):
    scratch = folder / f"scratch of {path.name}"
    scratch.mkdir()
    source = ModelSource(str(path), path.name, "")
    return model_adapters.load(source, model_adapters.inspect(source), str(scratch))


def described(card):
    return {
        "format": card.format,
        "gives": card.gives,
        "head": card.head,
        "batch": card.input.batch,
        "labels": card.labels,
        "hint": card.hint and [card.hint.scale, card.hint.mean[0], card.hint.std[0]],
        "hint_reason": card.hint_reason,
        "capabilities": [name.name for name in card.capabilities],
        "missing": dict(card.missing),
        "outputs": [output.name for output in card.outputs],
    }


def main(folder):
    model_adapters.import_framework("openvino")
    if (folder / "float.tflite").exists():
        with_labels(folder)
    said, arrays = {}, {}
    for path in sorted((*folder.glob("*.tflite"), *folder.glob("*.pb"), *folder.glob("packed.zip"))):
        try:
            network = opened(path, folder)
        except VitrineError as error:
            said[path.name] = {"error": type(error).__name__, "message": str(error)}
            continue
        said[path.name] = described(network.card)
        arrays[path.name] = network.forward(INPUTS)
    for name in ("float.tflite", "int8.tflite", "uint8.tflite"):
        if name not in said:
            continue
        arrays[f"{name} by LiteRT"], said[name]["step"] = by_litert(folder / name)
    np.savez(folder / "lite.npz", **arrays)
    (folder / "lite.json").write_text(json.dumps(said, default=float))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
