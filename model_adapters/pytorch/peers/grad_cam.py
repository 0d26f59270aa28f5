"""Class activation maps by pytorch-grad-cam 1.5: functions from a question and a class to a map (H, W) in 0..1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytorch_grad_cam as library
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from model_adapters.pytorch.layers import Place
from model_adapters.pytorch.peers.compare import Question
from xai_core.errors import ModelError
from xai_core.types import Floats

ONE_KIND = "pytorch-grad-cam takes several layers only where all are of one kind; choose one layer."


def _by(kind: Any) -> Callable[[Question, int], Floats]:
    def explained(question: Question, target: int) -> Floats:
        layers = question.layers()
        if len({(place.form, place.before) for _, place in layers}) > 1:
            raise ModelError(ONE_KIND)
        made = kind(question.module, [layer for layer, _ in layers], _on_planes(layers[0][1], question))
        if hasattr(made, "batch_size"):
            made.batch_size = question.batch_size
        try:
            maps = made(question.picture.requires_grad_(), [ClassifierOutputTarget(target)])
        finally:
            made.activations_and_grads.release()
        return np.asarray(maps[0], np.float32)

    return explained


def _on_planes(place: Place, question: Question) -> Callable[[Any], Any] | None:
    if place.form == "planes":
        return None
    return lambda output: place.on_grid(output, question.image.shape[:2]).permute(0, 3, 1, 2)


METHODS = {
    "grad_cam": _by(library.GradCAM),
    "grad_cam_plus_plus": _by(library.GradCAMPlusPlus),
    "hirescam": _by(library.HiResCAM),
    "layercam": _by(library.LayerCAM),
    "xgrad_cam": _by(library.XGradCAM),
    "eigen_cam": _by(library.EigenCAM),
    "eigen_grad_cam": _by(library.EigenGradCAM),
    "score_cam": _by(library.ScoreCAM),
    "ablation_cam": _by(library.AblationCAM),
}
