"""Keras: RISE beside xplique on the same network, with the same number of masks and batch size.

Run by `python -m benchmarks`; prints JSON.
"""

from __future__ import annotations

import json
import sys
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from xplique.attributions import Rise as XpliqueRise

from benchmarks.rounds import duel
from benchmarks.subject import PREPROCESSING, TABBY, last, network, photo, sample
from xai_core.methods.rise import Rise
from xai_core.model import Model


def main() -> None:
    rounds, masks = int(sys.argv[1]), int(sys.argv[2])
    method = Rise(samples=masks)
    image = photo()
    model = Model(network("Keras"), PREPROCESSING)
    theirs = XpliqueRise(
        keras.models.load_model(sample("Keras").source().path, compile=False),
        batch_size=method.batch_size,
        nb_samples=masks,
        grid_size=method.grid,
        preservation_probability=method.preservation,
    )
    inputs = tf.constant(PREPROCESSING.normalise(image[None]))
    wanted = tf.one_hot([TABBY], 1000)
    row = duel(
        f"RISE, {masks} masks, batches of {method.batch_size}, Keras",
        "xplique",
        partial(last, method, model, image, np.array([TABBY])),
        partial(theirs.explain, inputs, wanted),
        rounds,
    )
    print(json.dumps({"duels": [row.to_json()]}))


if __name__ == "__main__":
    main()
