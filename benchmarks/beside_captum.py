"""PyTorch: occlusion, Integrated Gradients and KernelSHAP beside captum, at equal settings.

Run by `python -m benchmarks`; prints JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from functools import partial

import torch
from captum import attr

from benchmarks import subject
from benchmarks.rounds import Contest, held
from benchmarks.subject import PREPROCESSING, TABBY, backward_passes, forward_passes, photo
from xai_core.families.superpixels import superpixels
from xai_core.methods.integrated_gradients import IntegratedGradients
from xai_core.methods.kernel_shap import KernelShap
from xai_core.methods.occlusion import Occlusion
from xai_core.network import Network

PATCHES = Occlusion(patch=32, stride=16, fill="black", score="logit")
POSITIONS = 13**2 + 1
PATH = IntegratedGradients()
FEWER_STEPS = (8, 10, 12, 16, 20, 25, 32, 40)


class Captum:
    """The same module, picture and baseline, as captum takes them."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module
        self.planes = torch.from_numpy(PREPROCESSING.normalise(photo()[None])).permute(0, 3, 1, 2).contiguous()
        self.black = torch.from_numpy(PREPROCESSING.normalise(0 * photo()[None])).permute(0, 3, 1, 2).contiguous()

    def occlusion(self, batch: int) -> object:
        window, strides = ((3, side, side) for side in (PATCHES.patch, PATCHES.stride))
        return attr.Occlusion(self.module).attribute(
            self.planes, window, strides, baselines=self.black, target=TABBY, perturbations_per_eval=batch
        )

    def path(self, batch: int | None) -> object:
        method = attr.IntegratedGradients(self.module)
        return method.attribute(self.planes, self.black, target=TABBY, n_steps=PATH.steps, internal_batch_size=batch)

    def path_error(self) -> float:
        with torch.inference_mode():
            scores = self.module(torch.cat([self.planes, self.black]))[:, TABBY]
        rise = float(scores[0] - scores[1])
        return abs(float(self.path(PATH.batch_size).sum()) - rise) / abs(rise)

    def kernel_shap(self, method: KernelShap) -> object:
        labels = superpixels(method.superpixels, photo(), method.count).labels
        return attr.KernelShap(self.module).attribute(
            self.planes,
            self.black,
            target=TABBY,
            feature_mask=torch.from_numpy(labels).long()[None, None],
            n_samples=method.samples,
            perturbations_per_eval=method.batch_size,
        )


def contests(name: str, network: Network, peer: Captum, samples: int) -> Iterator[Contest]:
    def contest(work, method, theirs, floors, notes=None):
        return Contest(work, name, "captum", theirs, subject.ours(method, network), floors, notes or {})

    hidden = forward_passes(network, POSITIONS, PATCHES.batch_size)
    square = f"Occlusion, patch {PATCHES.patch}, stride {PATCHES.stride}"
    yield contest(f"{square}, equal batches", PATCHES, partial(peer.occlusion, PATCHES.batch_size), hidden)
    yield contest(f"{square}, captum's default", PATCHES, partial(peer.occlusion, 1), hidden)
    yield from _paths(contest, network, peer)
    shares = KernelShap(samples=samples, stop_at_noise=0.0, fill="black", score="logit")
    passes = forward_passes(network, samples, shares.batch_size)
    yield contest(f"KernelSHAP, {samples} samples", shares, partial(peer.kernel_shap, shares), passes)


def _paths(contest, network: Network, peer: Captum) -> Iterator[Contest]:
    theirs = peer.path_error()
    work = f"Integrated Gradients, {PATH.steps} steps"
    back = backward_passes(network, PATH.steps, PATH.batch_size)
    notes = {precision: _errors(_error(PATH, network, precision), theirs) for precision in subject.PRECISIONS}
    yield contest(f"{work}, equal batches", PATH, partial(peer.path, PATH.batch_size), back, notes)
    yield contest(f"{work}, captum's default", PATH, partial(peer.path, None), back, notes)
    short = _as_exact(network, theirs)
    notes = {precision: _errors(_error(short, network, precision), theirs) for precision in subject.PRECISIONS}
    fewer = backward_passes(network, short.steps, PATH.batch_size)
    work = f"Integrated Gradients, {short.steps} steps against {PATH.steps} of captum"
    yield contest(work, short, partial(peer.path, PATH.batch_size), fewer, notes)


def _as_exact(network: Network, error: float) -> IntegratedGradients:
    """Return the fewest steps that are as exact in float32 as captum's."""
    candidates = (IntegratedGradients(steps=steps) for steps in FEWER_STEPS)
    return next((method for method in candidates if _error(method, network, "float32") <= error), PATH)


def _error(method: IntegratedGradients, network: Network, precision) -> float:
    (error,) = subject.run(method, network.at(precision)).diagnostics["completeness_error"]
    return float("nan") if error is None else error


def _errors(ours: float, theirs: float) -> str:
    return f"completeness error {ours:.2%}, captum's {theirs:.2%}"


def main() -> None:
    name, rounds, samples = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        source = subject.torch_source(name, folder)
        peer = Captum(subject.as_their_user_has_it(source, name))
        network = subject.opened(source)
        rows = [row for contest in contests(name, network, peer, samples) for row in held(contest, rounds)]
    print(json.dumps([row.to_json() for row in rows]))


if __name__ == "__main__":
    main()
