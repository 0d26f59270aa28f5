"""Keras: RISE beside xplique on the same network, with the same number of masks and batch size.

Run by `python -m benchmarks`; prints JSON.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
from xplique.attributions import Rise as XpliqueRise

from benchmarks import subject
from benchmarks.rounds import Contest, held
from benchmarks.subject import PREPROCESSING, TABBY, forward_passes, photo
from model_adapters.engines.choice import WithEngines
from xai_core.methods.rise import Rise
from xai_core.types import Precision


def contest(name: str, network: WithEngines, peer: str, module: Any, masks: int) -> Contest:
    """Return RISE by Vitrine and by xplique's own class on a module it accepts."""
    method = Rise(samples=masks, stop_at_noise=0.0)
    theirs = XpliqueRise(
        module,
        batch_size=method.batch_size,
        nb_samples=method.samples,
        grid_size=method.grid,
        preservation_probability=method.preservation,
    )
    inputs = tf.constant(PREPROCESSING.normalise(photo()[None]))
    wanted = tf.one_hot([TABBY], 1000)
    return Contest(
        f"RISE, {method.samples} masks",
        name,
        peer,
        partial(theirs.explain, inputs, wanted),
        subject.ours(method, network),
        forward_passes(network, method.samples, method.batch_size),
        {precision: _likeness(method, network, precision) for precision in subject.PRECISIONS},
    )


def _likeness(method: Rise, network: WithEngines, precision: Precision) -> str:
    """Return how well the map agrees with that of the framework's own passes in float32."""
    native, engine = (subject.run(method, variant).maps.ravel() for variant in (network.native, network.at(precision)))
    return f"map correlation {np.corrcoef(native, engine)[0, 1]:.6f} with the framework's own passes"


def main() -> None:
    rounds, masks = int(sys.argv[1]), int(sys.argv[2])
    source = subject.sample("Keras")
    network = subject.opened(source)
    theirs = keras.models.load_model(source.path, compile=False)
    rows = held(contest("MobileNetV2 in Keras", network, "xplique", theirs, masks), rounds)
    print(json.dumps([row.to_json() for row in rows]))


if __name__ == "__main__":
    main()
