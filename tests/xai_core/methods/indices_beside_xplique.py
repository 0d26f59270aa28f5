"""Run in a process of its own: the same Sobol indices and HSIC by Vitrine and by xplique, of a small function.

python indices_beside_xplique.py OUT.npz writes arrays "NAME ours" and "NAME xplique". Both look at the same masks of
a picture with one pixel a cell, where it does not matter how masks and maps are stretched.
"""

from __future__ import annotations

import sys

import numpy as np
import tensorflow as tf
from fakes import LinearNetwork, model_of, random_image
from xplique.attributions import HsicAttributionMethod, SobolAttributionMethod
from xplique.attributions.global_sensitivity_analysis.replicated_designs import ReplicatedSampler
from xplique.attributions.global_sensitivity_analysis.samplers import Sampler

from xai_core.methods.hsic import Hsic, dependence, masks
from xai_core.methods.sobol import Design, Sobol

SIDE, ROWS, SAMPLES = 6, 32, 500
CELLS = SIDE * SIDE
IMAGE = random_image(SIDE, SIDE)
WEIGHTS = np.random.default_rng(3).normal(size=(SIDE, SIDE, 3)).astype(np.float32) ** 3


def score_of(pictures):
    """One score a picture, (n, 1), that bends and lets cells act together."""
    return np.tanh(np.einsum("nhwc,hwc->n", pictures, WEIGHTS) / 4)[:, None].astype(np.float32) + 1.0


class Bent(LinearNetwork):
    def __init__(self):
        super().__init__(np.zeros((1, SIDE, SIDE, 3)))

    def forward(self, inputs):
        return score_of(inputs)


class OurDesign(ReplicatedSampler):
    """xplique's order of the same rows: all A, all B, then a cell after the other."""

    def __call__(self, dimension, nb_design):
        design = Design(dimension, nb_design, 0)
        shown = design.numbered(np.arange(design.count)).reshape(nb_design, -1, dimension)
        in_order = np.argsort(design.order) + 2
        return np.concatenate([shown[:, 0], shown[:, 1], *(shown[:, place] for place in in_order)])


class OurMasks(Sampler):
    def __init__(self):
        super().__init__(binary=True)

    def __call__(self, dimension, nb_design):
        return masks(dimension, 0, nb_design, 0).astype(np.float32)


def by_xplique(kind, **settings) -> np.ndarray:
    def operator(model, inputs, targets):
        return tf.numpy_function(lambda pictures: score_of(pictures)[:, 0], [inputs], tf.float32)

    explainer = kind(score_of, operator=operator, **settings)
    return np.asarray(explainer(IMAGE[None], np.ones((1, 1), np.float32)))[0]


def ours(method) -> np.ndarray:
    return list(method.explain(model_of(Bent()), IMAGE, np.array([0])))[-1].maps[0]


def scores_under(shown) -> np.ndarray:
    return score_of(IMAGE * shown.reshape(-1, SIDE, SIDE, 1))[:, 0].astype(float)


def main() -> None:
    kept = masks(CELLS, 0, SAMPLES, 0)
    scores = scores_under(kept)
    design = Design(CELLS, ROWS, 0)
    rows = scores_under(design.numbered(np.arange(design.count))).reshape(ROWS, -1)
    sobol = {"grid_size": SIDE, "nb_design": ROWS, "sampler": OurDesign()}
    hsic = {"grid_size": SIDE, "nb_design": SAMPLES, "sampler": OurMasks()}
    np.savez(
        sys.argv[1],
        **{
            "sobol ours": ours(
                Sobol(grid=SIDE, rows=ROWS, score="logit", stop_at_noise=0.0, averaging="as in the paper")
            ),
            "sobol xplique": by_xplique(SobolAttributionMethod, **sobol),
            "variance ours": rows[:, :2].var(ddof=1),
            "variance xplique": rows[:, 0].var(ddof=1),
            "hsic ours": ours(Hsic(grid=SIDE, samples=SAMPLES, score="logit", stop_at_noise=0.0)),
            "hsic xplique": by_xplique(HsicAttributionMethod, **hsic),
            "hsic of xplique's width": dependence(kept, scores, float(np.median(scores)))[0].reshape(SIDE, SIDE),
        },
    )


if __name__ == "__main__":
    main()
