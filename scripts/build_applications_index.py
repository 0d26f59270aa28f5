"""Write model_adapters/tensorflow/data/applications.json: a fingerprint of every network in keras.applications.

A run can take ten minutes, as Keras builds each network with random weights, with and without its top.
Usage: python -m scripts.build_applications_index
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from model_adapters.tensorflow.applications import CLASSES, fingerprint
from model_adapters.tensorflow.keras_api import keras

TARGET = Path(__file__).resolve().parents[1] / "model_adapters/tensorflow/data/applications.json"
PRIME = 1013  # no layer is as wide: a weight with this size belongs to the head
WIDTHS = {
    "MobileNet": [{"alpha": alpha} for alpha in (0.25, 0.5, 0.75, 1.0)],
    "MobileNetV2": [{"alpha": alpha} for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)],
    "MobileNetV3Small": [{"alpha": 0.75}, {"alpha": 1.0}, {"alpha": 1.0, "minimalistic": True}],
    "MobileNetV3Large": [{"alpha": 0.75}, {"alpha": 1.0}, {"alpha": 1.0, "minimalistic": True}],
}


def main() -> None:
    """Build every network with and without its top, and write the index."""
    entries: list[list[Any]] = []
    for function in sorted(name for name in dir(keras.applications) if name[0].isupper()):
        entries += [_entry(function, settings) for settings in WIDTHS.get(function, [{}])]
        print(function, file=sys.stderr, flush=True)
    marks = [mark for _, _, *both in entries for mark in both]
    assert len(marks) == len(set(marks)), "two networks have the same shapes"
    TARGET.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n", "utf-8")
    print(f"{len(entries)} networks")


def _entry(function: str, settings: dict[str, Any]) -> list[Any]:
    return [function, settings, *(_mark(function, settings, top) for top in (False, True))]


def _mark(function: str, settings: dict[str, Any], top: bool) -> str:
    made = getattr(keras.applications, function)(weights=None, include_top=top, classes=PRIME, **settings)
    shapes = [tuple(int(side) for side in weight.shape) for weight in made.weights]
    keras.backend.clear_session()
    return fingerprint(tuple(CLASSES if side == PRIME else side for side in shape) for shape in shapes)


if __name__ == "__main__":
    main()
