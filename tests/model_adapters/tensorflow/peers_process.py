"""Explains pictures by xplique through the adapter, and by the adapter's own ways where the two should agree.

TensorFlow must not share a process with PyTorch, so tests start this one: `peers_process.py FOLDER`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

import xai_core.methods  # noqa: F401 - enters them in METHODS
from model_adapters.tensorflow.peers.compare import SETTINGS
from tests.model_adapters.tensorflow.inside_process import SIDE, convolutional, nested, opened
from tests.model_adapters.tensorflow_process import zipped
from xai_core.errors import VitrineError
from xai_core.method import METHODS
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing

BLUE_FIRST = Preprocessing(SIDE, SIDE, channels="BGR", mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
FEW = {"patch": 4, "stride": 4, "samples": 24, "count": 4, "rows": 4, "grid": 3, "score": "logit", "reduction": "sum"}
TARGETS = np.array([1, 3])
RULES = {"deconvnet": "deconvnet", "guided_backprop": "guided", "saliency": "gradient"}


def by_xplique(network, image, methods, **values):
    found, errors = {}, {}
    for method in methods:
        try:
            all_values = METHODS[method]().values() | FEW | values
            found[method] = network.by_peer("xplique", method, all_values, BLUE_FIRST, image, TARGETS)
        except VitrineError as error:
            errors[method] = str(error)
    return found, errors


def by_ourselves(network, image):
    model = Model(network, BLUE_FIRST)
    images = np.stack([image] * len(TARGETS))
    found = {name: model.gradients(images, TARGETS, "logit", rule) for name, rule in RULES.items()}
    values, gradients = model.layer_gradients(image, TARGETS, "logit", "last")
    found["grad_cam"] = np.maximum(np.einsum("hwk,tk->thw", values, gradients.mean(axis=(1, 2))), 0)
    found["probability"] = model.gradients(images, TARGETS, "probability", "guided")
    return found


def main(folder):
    keras.utils.set_random_seed(0)
    image = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    plain = convolutional(keras.layers.ReLU())
    functions = convolutional(keras.ops.relu)
    taken_apart = ("deconvnet", "guided_backprop", "grad_cam", "grad_cam_plus_plus")
    said, arrays = {"methods": sorted(SETTINGS)}, {}
    for name, model in {"flat": plain, "functions": functions, "nested": nested(plain)}.items():
        model.save(folder / f"{name}.keras")
        network = opened(folder / f"{name}.keras", "keras", folder / f"scratch of {name}")
        maps, said[name] = by_xplique(network, image, SETTINGS if name == "flat" else (*taken_apart, "saliency"))
        arrays |= {f"{name} {method}": map_ for method, map_ in maps.items()}
        if name == "flat":
            arrays |= {f"ours {method}": map_ for method, map_ in by_ourselves(network, image).items()}
            arrays["flat probability"] = by_xplique(network, image, ["guided_backprop"], score="probability")[0][
                "guided_backprop"
            ]
            said["fill"] = by_xplique(network, image, ["occlusion", "sobol"], fill="noise")[1]
            said["rows"] = by_xplique(network, image, ["sobol"], rows=6)[1]
            said["none"] = by_xplique(network, image, ["layercam"])[1]
            said["random"] = by_xplique(network.randomised(0), image, taken_apart)[1]
    path = zipped(folder, "exported", lambda place: plain.export(place, verbose=False))
    network = opened(path, "savedmodel", folder / "scratch of exported")
    maps, said["exported"] = by_xplique(network, image, ("saliency", "grad_cam", "guided_backprop"))
    arrays |= {f"exported {method}": map_ for method, map_ in maps.items()}
    np.savez(folder / "peers.npz", **arrays)
    (folder / "peers.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
