"""PyTorch: Integrated Gradients and occlusion beside captum, at equal settings; previews of each method.

Run by `python -m benchmarks`; prints JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np
import torch
import torchvision
from captum import attr

from benchmarks.rounds import Duel, Pace, duel, pace
from benchmarks.subject import PREPROCESSING, SIDE, TABBY, last, network, photo, sample
from xai_core.method import Method
from xai_core.methods.integrated_gradients import IntegratedGradients
from xai_core.methods.occlusion import Occlusion
from xai_core.methods.rise import Rise
from xai_core.methods.saliency import Saliency
from xai_core.model import Model
from xai_core.types import Estimate

TARGETS = np.array([TABBY])
PATH = IntegratedGradients()
PATCHES = Occlusion(patch=32, stride=16, fill="black", score="logit")
PREVIEWED: tuple[Method, ...] = (Saliency(), PATH, Occlusion(), Rise())
WATCHED = 10  # previews


def captum_module() -> torch.nn.Module:
    """Return torchvision's MobileNetV2 with the sample's weights, as a captum user would build it."""
    module = torchvision.models.mobilenet_v2()
    module.load_state_dict(torch.load(sample("PyTorch").source().path, weights_only=True))
    return module.eval()


def duels(model: Model, rounds: int) -> list[Duel]:
    image = photo()
    planes = torch.from_numpy(PREPROCESSING.normalise(image[None])).permute(0, 3, 1, 2).contiguous()
    black = torch.from_numpy(PREPROCESSING.normalise(0 * image[None])).permute(0, 3, 1, 2).contiguous()
    module = captum_module()
    path = partial(attr.IntegratedGradients(module).attribute, planes, black, target=TABBY, n_steps=PATH.steps)
    window, strides = ((3, side, side) for side in (PATCHES.patch, PATCHES.stride))
    slide = partial(attr.Occlusion(module).attribute, planes, window, strides, baselines=black, target=TABBY)
    contests = [
        (f"Integrated Gradients, {PATH.steps} steps, batches of {PATH.batch_size}", PATH,
         partial(path, internal_batch_size=PATH.batch_size)),
        (f"Integrated Gradients, {PATH.steps} steps, captum's default of one batch", PATH, path),
        (f"Occlusion, patch {PATCHES.patch}, stride {PATCHES.stride}, batches of {PATCHES.batch_size}", PATCHES,
         partial(slide, perturbations_per_eval=PATCHES.batch_size)),
        (f"Occlusion, patch {PATCHES.patch}, stride {PATCHES.stride}, captum's default of one picture a pass", PATCHES,
         slide),
    ]  # fmt: skip
    return [
        duel(work, "captum", partial(last, method, model, image, TARGETS), theirs, rounds)
        for work, method, theirs in contests
    ]


def paces(timed: Model, spent, rounds: int) -> list[Pace]:
    def watched(method: Method) -> Iterator[Estimate]:
        return islice(method.explain(timed, photo(), TARGETS), WATCHED)

    return [pace(m.title, partial(watched, m), spent, rounds) for m in PREVIEWED]


def main() -> None:
    rounds = int(sys.argv[1])
    opened = network("PyTorch")
    assert opened.card.input.height in (None, SIDE)
    model = Model(opened, PREPROCESSING)
    found = {"duels": duels(model, rounds), "paces": paces(model, opened.spent, rounds)}
    print(json.dumps({name: [row.to_json() for row in rows] for name, rows in found.items()}))


if __name__ == "__main__":
    main()
