"""The same explanations by xplique, for comparison.

xplique calls an `operator` of ours, from pictures to the explained score. So a model with preprocessing, of several
parts or from a SavedModel needs no surgery, except for methods for which xplique itself takes the model apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
import tensorflow as tf

from model_adapters.tensorflow.peers.models import PictureScores, by_conv_layer, by_replaced_relus
from xai_core.errors import ModelError, VitrineError
from xai_core.families.baselines import PLAIN, baseline_picture
from xai_core.families.channels import reduced
from xai_core.families.superpixels import superpixels
from xai_core.types import Floats, Indices

Values = Mapping[str, Any]
Settings = dict[str, Any]
STOPPED = "xplique stopped with an error on this model ({}); compare another method, or with another library."
ONE_COLOUR = "xplique hides parts behind one colour, and cannot fill with {!r}. Choose black, grey or mean."
BLACK_OR_BLUR = "xplique hides cells behind black or a blur, and cannot fill with {!r}. Choose black or blurred."
POWERS = "xplique's Sobol indices need a number of rows that is a power of two; got {}. Choose {}."
NOT_THERE = "xplique has no method {!r} to compare with."


def maps(scores: PictureScores, method: str, values: Values, image: Floats, targets: Indices) -> Floats:
    """Return xplique's maps (T, H, W) for an image (H, W, 3) in [0, 1].

    Colour channels are reduced as `values` says, since xplique has only means for some methods. Random draws start from
    the same seed but differ from ours. ModelError if xplique cannot explain this model, with the reason.
    """
    if method not in SETTINGS:
        raise ModelError(NOT_THERE.format(method))
    name, settings = SETTINGS[method]
    with _xplique() as attributions, warnings.catch_warnings(action="ignore"):
        tf.random.set_seed(int(values.get("seed", 0)))
        try:
            batch = int(values.get("batch_size", 16))
            explanations = _explained(
                getattr(attributions, name), scores, batch, settings(values, image), values, image, targets
            )
        except VitrineError:
            raise
        except Exception as error:  # xplique has no errors of its own
            raise ModelError(STOPPED.format(type(error).__name__)) from error
    return _one_channel(np.asarray(explanations, np.float32), values)


def _explained(
    kind: Any, scores: PictureScores, batch: int, settings: Settings, values: Values, image: Floats, targets: Indices
) -> Any:
    if kind.__name__ in ("GradCAM", "GradCAMPP"):
        return by_conv_layer(kind, scores, tuple(values.get("layers", ())), image, targets)
    if kind.__name__ in ("DeconvNet", "GuidedBackprop"):
        return by_replaced_relus(kind, scores, batch, image, targets)
    # xplique compiles an operator's gradient; a compiled operator would be traced four times.
    operator = scores.in_graph if "reducer" in settings else scores.operator
    made = kind(scores.no_model, batch_size=batch, operator=operator, **settings)
    return made.explain(*scores.repeated(image, targets))


@contextmanager
def _xplique() -> Iterator[Any]:
    """Import xplique, and clear its cache of models on exit."""
    try:
        attributions: Any = import_module("xplique.attributions")
    except ImportError as error:
        raise ModelError("xplique is not installed here, so there is nothing to compare with.") from error
    try:
        yield attributions
    finally:
        attributions.base.BlackBoxExplainer._cache_models.clear()


def _one_channel(explanations: Floats, values: Values) -> Floats:
    if explanations.ndim == 3:
        return explanations
    return (
        explanations[..., 0] if explanations.shape[-1] == 1 else reduced(explanations, values.get("reduction", "sum"))
    )


def _plain(values: Values, image: Floats) -> Settings:
    return {"reducer": None}


def _path(values: Values, image: Floats) -> Settings:
    start = baseline_picture(values["baseline"], image, int(values.get("seed", 0)))
    return {"reducer": None, "steps": int(values["steps"]), "baseline_value": tf.constant(start)}


def _noisy(values: Values, image: Floats) -> Settings:
    return {"reducer": None, "nb_samples": int(values["samples"]), "noise": float(values["noise"])}


def _patches(values: Values, image: Floats) -> Settings:
    sides = {"patch_size": int(values["patch"]), "patch_stride": int(values["stride"])}
    return sides | {"occlusion_value": tf.constant(_colour(values, image))}


def _masks(values: Values, image: Floats) -> Settings:
    return {
        "nb_samples": int(values["samples"]),
        "grid_size": int(values["grid"]),
        "preservation_probability": float(values["preservation"]),
    }


def _superpixels(values: Values, image: Floats) -> Settings:
    # The same superpixels as ours, or results would not compare; "segment" has no counterpart but the mean colour.
    segmentation = superpixels(values["superpixels"], image, int(values["count"]))
    labels = tf.constant(segmentation.labels, tf.int32)
    return {
        "nb_samples": int(values["samples"]),
        "map_to_interpret_space": lambda picture: labels,
        "ref_value": _colour(values, image),
    }


def _design(values: Values, image: Floats) -> Settings:
    rows = int(values["rows"])
    if rows & (rows - 1):
        raise ModelError(POWERS.format(rows, 1 << (rows.bit_length() - 1)))
    return _cells(values, image) | {"nb_design": rows}


def _dependence(values: Values, image: Floats) -> Settings:
    return _cells(values, image) | {"nb_design": int(values["samples"])}


def _cells(values: Values, image: Floats) -> Settings:
    fill = values["fill"]
    known = {"black": "inpainting", "blurred": "blurring"}
    if fill not in known:
        raise ModelError(BLACK_OR_BLUR.format(fill))
    return {"grid_size": int(values["grid"]), "perturbation_function": known[fill]}


def _colour(values: Values, image: Floats) -> Floats:
    """Return the colour (3,) that stands for what is hidden."""
    fill = values["fill"]
    if fill not in (*PLAIN, "mean", "segment"):
        raise ModelError(ONE_COLOUR.format(fill))
    picture = baseline_picture("mean" if fill == "segment" else fill, image)
    return np.asarray(picture[0, 0], np.float32)


SETTINGS: dict[str, tuple[str, Callable[[Values, Floats], Settings]]] = {
    "saliency": ("Saliency", _plain),
    "input_x_gradient": ("GradientInput", _plain),
    "integrated_gradients": ("IntegratedGradients", _path),
    "smoothgrad": ("SmoothGrad", _noisy),
    "vargrad": ("VarGrad", _noisy),
    "squaregrad": ("SquareGrad", _noisy),
    "deconvnet": ("DeconvNet", _plain),
    "guided_backprop": ("GuidedBackprop", _plain),
    "grad_cam": ("GradCAM", _plain),
    "grad_cam_plus_plus": ("GradCAMPP", _plain),
    "occlusion": ("Occlusion", _patches),
    "rise": ("Rise", _masks),
    "lime": ("Lime", _superpixels),
    "kernel_shap": ("KernelShap", _superpixels),
    "sobol": ("SobolAttributionMethod", _design),
    "hsic": ("HsicAttributionMethod", _dependence),
}
