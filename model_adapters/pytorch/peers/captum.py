"""Explanations by captum 0.9: functions from a question and a class to a map (H, W)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from captum import attr
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from captum.attr._core.lime import get_exp_kernel_similarity_function

from model_adapters.pytorch.peers.compare import Question
from xai_core.errors import ModelError
from xai_core.families.baselines import baseline_picture, blurred
from xai_core.families.superpixels import superpixels
from xai_core.types import Floats

Explained = Callable[[Question, int], Floats]
PLANES_ONLY = "captum's Guided Grad-CAM takes layers of convolutional networks only."


def _saliency(question: Question, target: int) -> Floats:
    attributions = attr.Saliency(question.module).attribute(question.picture, target=target, abs=False)
    return question.one_channel(attributions)


def _input_x_gradient(question: Question, target: int) -> Floats:
    attributions = attr.InputXGradient(question.module).attribute(question.picture, target=target)
    return question.one_channel(attributions, "sum")


def _noisy(kind: str, reduction: str | None = None) -> Explained:
    def explained(question: Question, target: int) -> Floats:
        attributions = attr.NoiseTunnel(attr.Saliency(question.module)).attribute(
            question.picture,
            target=target,
            abs=False,
            nt_type=kind,
            nt_samples=int(question.values["samples"]),
            nt_samples_batch_size=question.batch_size,
            stdevs=float(question.values["noise"]),
        )
        return question.one_channel(attributions, reduction)

    return explained


def _integrated_gradients(question: Question, target: int) -> Floats:
    attributions = attr.IntegratedGradients(question.module).attribute(
        question.picture,
        question.baseline,
        target=target,
        n_steps=int(question.values["steps"]),
        method="gausslegendre",
        internal_batch_size=question.batch_size,
    )
    return question.one_channel(attributions, "sum")


def _gradient_shap(question: Question, target: int) -> Floats:
    """Average runs of one batch each, since captum computes all samples at once."""
    random = np.random.default_rng(question.seed)
    samples, total = int(question.values["samples"]), np.zeros(question.image.shape[:2])
    for first in range(0, samples, question.batch_size):
        count = min(question.batch_size, samples - first)
        starts = torch.cat([question.planes(_start(question, random)) for _ in range(count)])
        attributions = attr.GradientShap(question.module).attribute(
            question.picture, starts, target=target, n_samples=count, stdevs=0.0
        )
        total += count * question.one_channel(attributions, "sum").astype(np.float64)
    return np.asarray(total / samples, np.float32)


def _start(question: Question, random: np.random.Generator) -> Floats:
    image, kind = question.image, question.values["baselines"]
    if kind == "blurred":
        return blurred(image, min(image.shape[:2]) * float(random.uniform(1 / 32, 1 / 4)))
    drawn = random.random(3 if kind == "colours" else image.shape, dtype=np.float32)
    return np.asarray(np.broadcast_to(drawn, image.shape), np.float32)


def _by_rule(kind: Any) -> Explained:
    def explained(question: Question, target: int) -> Floats:
        _check_relus(question)
        return question.one_channel(kind(question.module).attribute(question.picture, target=target))

    return explained


def _check_relus(question: Question) -> None:
    question.check_parts("captum", (torch.nn.ReLU,), "ReLUs")


def _guided_grad_cam(question: Question, target: int) -> Floats:
    _check_relus(question)
    maps = []
    for layer, place in question.layers():
        if place.form != "planes":
            raise ModelError(PLANES_ONLY)
        made = attr.GuidedGradCam(question.module, layer)
        maps.append(made.attribute(question.picture, target=target, interpolate_mode="bilinear"))
    return question.one_channel(torch.stack(maps).mean(0))


def _deeplift(question: Question, target: int) -> Floats:
    question.check_parts("captum", tuple(SUPPORTED_NON_LINEAR), "activations")
    attributions = attr.DeepLift(question.module).attribute(question.picture, question.baseline, target=target)
    return question.one_channel(attributions, "sum")


def _occlusion(question: Question, target: int) -> Floats:
    patch, stride = int(question.values["patch"]), int(question.values["stride"])
    attributions = attr.Occlusion(question.module).attribute(
        question.picture,
        target=target,
        sliding_window_shapes=(3, patch, patch),
        strides=(3, stride, stride),
        baselines=_behind(question, None),
        perturbations_per_eval=question.batch_size,
    )
    return np.asarray(attributions[0, 0].detach().cpu().numpy(), np.float32)


def _parts(make: Callable[[Question], Any], samples: str) -> Explained:
    """Explain by superpixels or by the cells of a grid, both the same as ours."""

    def explained(question: Question, target: int) -> Floats:
        labels = _labels(question)
        attributions = make(question).attribute(
            question.picture,
            target=target,
            feature_mask=torch.tensor(labels, device=question.device)[None, None],
            baselines=_behind(question, labels),
            n_samples=int(question.values[samples]),
            perturbations_per_eval=question.batch_size,
        )
        return np.asarray(attributions[0, 0].detach().cpu().numpy(), np.float32)

    return explained


def _lime(question: Question) -> Any:
    """Use a ridge as strong as ours, since captum's Lasso shrinks coefficients for probabilities to zero."""
    near = get_exp_kernel_similarity_function("cosine", float(question.values["kernel_width"]))
    return attr.Lime(question.module, SkLearnRidge(alpha=float(question.values["ridge"])), near)


def _labels(question: Question) -> Any:
    if "grid" in question.values:
        cells = int(question.values["grid"])
        rows, columns = (np.arange(side) * cells // side for side in question.image.shape[:2])
        return rows[:, None] * cells + columns
    kind, count = question.values["superpixels"], int(question.values["count"])
    return np.asarray(superpixels(kind, question.image, count).labels, np.int64)


def _behind(question: Question, labels: Any) -> Any:
    """Return the picture shown in hidden parts; with "segment", each superpixel's own mean colour."""
    image, fill = question.image, question.values["fill"]
    if fill != "segment":
        return question.planes(baseline_picture(fill, image, question.seed))
    sizes = np.bincount(labels.ravel())
    sums = [np.bincount(labels.ravel(), image[..., channel].ravel()) for channel in range(3)]
    return question.planes(np.asarray((np.stack(sums, -1) / np.maximum(sizes, 1)[:, None])[labels], np.float32))


METHODS: dict[str, Explained] = {
    "saliency": _saliency,
    "input_x_gradient": _input_x_gradient,
    "smoothgrad": _noisy("smoothgrad"),
    "vargrad": _noisy("vargrad", "sum"),
    "squaregrad": _noisy("smoothgrad_sq", "sum"),
    "integrated_gradients": _integrated_gradients,
    "gradient_shap": _gradient_shap,
    "deconvnet": _by_rule(attr.Deconvolution),
    "guided_backprop": _by_rule(attr.GuidedBackprop),
    "guided_grad_cam": _guided_grad_cam,
    "deeplift": _deeplift,
    "occlusion": _occlusion,
    "lime": _parts(_lime, "samples"),
    "kernel_shap": _parts(lambda question: attr.KernelShap(question.module), "samples"),
    "shapley": _parts(lambda question: attr.ShapleyValueSampling(question.module), "permutations"),
}
