"""Score-CAM: channels weighted by the score of the picture masked with each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from xai_core.families.cam import weighted
from xai_core.families.channel_cam import ChannelCam, most_active
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.method import Guide, method
from xai_core.model import Model
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Floats, Indices


@method(
    "score_cam",
    title="Score-CAM",
    group="CAM",
    needs=Capability.PREDICT | Capability.ACTIVATIONS,
    source="Wang and others, Score-CAM, 2020, arXiv 1910.01279",
    cost="one forward pass per channel of the layer, for any number of targets",
    guide=Guide(
        answers="Which regions keep the class score high when the model sees nothing else?",
        choose="When gradients are noisy or saturated: the weights come from predictions.",
        limits="Slow and coarse, and many channels get nearly the same weight.",
    ),
)
class ScoreCam(ChannelCam):
    """Weight each channel of a layer by the score of the picture masked with that channel."""

    def of_layer(self, model: Model, image: Floats, targets: Indices, layer: str) -> Iterator[tuple[float, Floats]]:
        values = model.activations(image[None], layer)[0]
        values = values[..., most_active(values, self.channels)]
        outputs = PerturbedOutputs(model, image, method=self.id, layer=layer)
        scores = np.empty((0, len(targets)), np.float32)
        for start, stop, worth_a_preview in outputs.batches(0, values.shape[-1], self.batch_size):
            raw = outputs.rows(start, stop, partial(_seen_through, image, values[..., start:stop]))
            scores = np.concatenate([scores, model.as_score(raw, self.score)[:, targets]])
            if worth_a_preview:
                yield stop / values.shape[-1], weighted(values[..., :stop], _softmax(scores).T)


def _seen_through(image: Floats, values: Floats, skip: int) -> Floats:
    """Return the image (H, W, 3) masked with each channel (h, w, n) after the first `skip`, scaled to 0..1."""
    masks = resized(np.ascontiguousarray(values[..., skip:].transpose(2, 0, 1)), image.shape[:2])
    masks = masks - masks.min(axis=(1, 2), keepdims=True)
    peaks = masks.max(axis=(1, 2), keepdims=True)
    return np.asarray((masks / np.where(peaks > 0, peaks, 1))[..., None] * image, np.float32)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=0))
    return np.asarray(raised / raised.sum(axis=0), np.float32)
