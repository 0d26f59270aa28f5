"""Variance of SmoothGrad's and GradientSHAP's means over antithetic pairs, relative to as many independent draws.

python -m benchmarks.antithetic [--photos cat rocket] [--samples 8] [--runs 24]

A pair is noise and its negative, or a plain colour c at a point t of its path and the colour 1 − c at 1 − t. Below 1,
pairs leave less noise at equal cost. The variance is the mean over all pixels and channels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from benchmarks.__main__ import machine, table
from benchmarks.noise import Subject, subjects
from xai_core.methods.smoothgrad import SmoothGrad
from xai_core.model import Model
from xai_core.types import Doubles, Floats

NOISE = np.float32(SmoothGrad().noise)
Draw = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]


def noisy(image: Floats, normal: Floats, uniform: Floats) -> tuple[Floats, Floats]:
    """Return SmoothGrad's noisy copies and the factors of their gradients."""
    return image + NOISE * normal, np.ones_like(image)[None]


def on_paths(image: Floats, normal: Floats, uniform: Floats) -> tuple[Floats, Floats]:
    """Return GradientSHAP's points on paths from plain colours and the factors of their gradients."""
    colours, at = uniform[:, None, None, :3], uniform[:, None, None, 3:]
    return colours + at * (image - colours), image - colours


def mean_map(case: Subject, draw: Draw, samples: int, seed: int, in_pairs: bool) -> Doubles:
    random = np.random.default_rng(seed)
    count = samples // 2 if in_pairs else samples
    normal = random.standard_normal((count, *case.image.shape), np.float32)
    uniform = random.random((count, 4), np.float32)
    if in_pairs:
        normal, uniform = np.concatenate([normal, -normal]), np.concatenate([uniform, 1 - uniform])
    pictures, factors = draw(case.image, normal, uniform)
    model = Model(case.network, case.preprocessing)
    gradients = model.gradients(pictures, np.full(samples, case.target), "logit")
    return np.asarray((gradients * factors).mean(axis=0, dtype=np.float64))


def variance(case: Subject, draw: Draw, samples: int, runs: int, in_pairs: bool) -> float:
    maps = [mean_map(case, draw, samples, seed, in_pairs) for seed in range(runs)]
    return float(np.var(maps, axis=0, ddof=1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.antithetic", description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", nargs="+", default=["cat", "rocket"])
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--runs", type=int, default=24)
    wanted = parser.parse_args()
    rows = []
    for photo, case in subjects("MobileNetV2", wanted.photos):
        for title, draw in (("SmoothGrad", noisy), ("GradientSHAP", on_paths)):
            pairs, independent = (variance(case, draw, wanted.samples, wanted.runs, each) for each in (True, False))
            rows.append([photo, title, f"{pairs / independent:.2f}"])
    print(machine(), table(["photo", "method", "pairs / independent"], rows), sep="\n\n")


if __name__ == "__main__":
    main()
