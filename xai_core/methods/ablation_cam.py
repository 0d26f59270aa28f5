"""Ablation-CAM: channels weighted by how far the score drops without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from xai_core.families.cam import weighted
from xai_core.families.channel_cam import ChannelCam, most_active
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.method import BatchSize, Guide, method
from xai_core.model import Model
from xai_core.types import Capability, Floats, Indices


@method(
    "ablation_cam",
    title="Ablation-CAM",
    group="CAM",
    needs=Capability.ABLATION | Capability.ACTIVATIONS,
    source="Desai, Ramaswamy, Ablation-CAM, 2020, WACV",
    cost="one pass from the layer to the output per channel, for any number of targets",
    guide=Guide(
        answers="Which regions hold the features that the class score depends on?",
        choose="When gradients are noisy or saturated and you want an experiment instead of a slope.",
        limits="Coarse. Channels that can replace each other look unimportant.",
    ),
    class_sensitivity="low",
)
class AblationCam(ChannelCam):
    """Weight each channel of a layer by how far the score drops when the channel is set to zero."""

    batch_size: BatchSize = 32

    def of_layer(self, model: Model, image: Floats, targets: Indices, layer: str) -> Iterator[tuple[float, Floats]]:
        values = model.activations(image[None], layer)[0]
        whole = model.as_score(model.resume(image, layer, values[None]), self.score)[0, targets]
        order = most_active(values, self.channels)
        outputs = PerturbedOutputs(
            model, image, lambda changed: model.resume(image, layer, changed), method=self.id, layer=layer
        )
        weights = np.zeros((len(targets), len(order)), np.float32)
        for start, stop, worth_a_preview in outputs.batches(0, len(order), self.batch_size):
            raw = outputs.rows(start, stop, _without(values, order[start:stop]))
            scores = model.as_score(raw, self.score)[:, targets]
            weights[:, start:stop] = ((whole - scores) / np.where(whole == 0, 1, np.abs(whole))).T
            if worth_a_preview:
                yield stop / len(order), weighted(values[..., order], weights)


def _without(values: Floats, channels: Indices) -> Callable[[int], Floats]:
    """Return a function that gives copies of a layer (h, w, K), each without one channel, after the first `skip`."""

    def ablated(skip: int) -> Floats:
        copies = np.repeat(values[None], len(channels) - skip, axis=0)
        copies[np.arange(len(copies)), :, :, channels[skip:]] = 0
        return copies

    return ablated
