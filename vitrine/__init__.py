"""Vitrine: why did the image model say that?

    import vitrine

    with vitrine.load("model.onnx") as model:
        print(model.predict("cat.jpg").top(3))
        explanation = model.explain("grad_cam", "cat.jpg", target="tabby")
        explanation.save("answer")

`load` opens a model file in a sandboxed process; `wrap` takes a PyTorch or Keras model already in memory. Every method
and filter is an attribute named after its class, such as `vitrine.GradCam`; `vitrine.methods()` lists them. `bias` and
`training_history` read tables of predictions. Every error is a `VitrineError` whose message says what to do.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from xai_core import __version__ as __version__

if TYPE_CHECKING:
    from vitrine.biases import Bias as Bias
    from vitrine.biases import bias as bias
    from vitrine.boxes import Boxes as Boxes
    from vitrine.catalogue import methods as methods
    from vitrine.classifier import Classifier as Classifier
    from vitrine.detector import Detector as Detector
    from vitrine.explanation import Explanation as Explanation
    from vitrine.histories import TrainingHistory as TrainingHistory
    from vitrine.histories import training_history as training_history
    from vitrine.loading import load as load
    from vitrine.model import Model as Model
    from vitrine.predictions import Predictions as Predictions
    from vitrine.sample_files import sample as sample
    from vitrine.segmenter import Segmenter as Segmenter
    from vitrine.segments import Segments as Segments
    from vitrine.tables import Table as Table
    from vitrine.wrapping import wrap as wrap
    from xai_core.errors import ChooseEntry as ChooseEntry
    from xai_core.errors import ChooseOutput as ChooseOutput
    from xai_core.errors import DataError as DataError
    from xai_core.errors import ImageError as ImageError
    from xai_core.errors import JobError as JobError
    from xai_core.errors import MissingCapability as MissingCapability
    from xai_core.errors import ModelError as ModelError
    from xai_core.errors import ParamError as ParamError
    from xai_core.errors import TypeLabels as TypeLabels
    from xai_core.errors import VitrineError as VitrineError
    from xai_core.pictures.overlays import Look as Look
    from xai_core.preprocessing import Preprocessing as Preprocessing

# Imported on first use, so that `import vitrine` and the app's own process stay light.
_HOMES = {
    "Bias": "vitrine.biases",
    "bias": "vitrine.biases",
    "Boxes": "vitrine.boxes",
    "methods": "vitrine.catalogue",
    "Classifier": "vitrine.classifier",
    "Detector": "vitrine.detector",
    "Explanation": "vitrine.explanation",
    "TrainingHistory": "vitrine.histories",
    "training_history": "vitrine.histories",
    "load": "vitrine.loading",
    "Model": "vitrine.model",
    "Predictions": "vitrine.predictions",
    "sample": "vitrine.sample_files",
    "Segmenter": "vitrine.segmenter",
    "Segments": "vitrine.segments",
    "Table": "vitrine.tables",
    "wrap": "vitrine.wrapping",
    "ChooseEntry": "xai_core.errors",
    "ChooseOutput": "xai_core.errors",
    "DataError": "xai_core.errors",
    "ImageError": "xai_core.errors",
    "JobError": "xai_core.errors",
    "MissingCapability": "xai_core.errors",
    "ModelError": "xai_core.errors",
    "ParamError": "xai_core.errors",
    "TypeLabels": "xai_core.errors",
    "VitrineError": "xai_core.errors",
    "Look": "xai_core.pictures.overlays",
    "Preprocessing": "xai_core.preprocessing",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name[:1].isupper():
        declared = importlib.import_module("vitrine.catalogue").declared_classes()
        if name in declared:
            return declared[name]
    raise AttributeError(
        f"vitrine has no attribute {name!r}; its faces are {', '.join(_HOMES)} and the methods' classes."
    )


def __dir__() -> list[str]:
    declared = importlib.import_module("vitrine.catalogue").declared_classes()
    return sorted({"__version__", *_HOMES, *declared})
