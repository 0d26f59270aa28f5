"""Checkpoints of libraries whose network only they can build, with the lines that export it there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from model_adapters.files import pickles
from model_adapters.files.records import Contents, Record
from model_adapters.pytorch.checkpoint import extras, whole_modules
from xai_core.errors import ChooseArchitecture, UnsupportedModel

TASKS = {
    "DetectionModel": "detects objects",
    "SegmentationModel": "segments objects",
    "ClassificationModel": "classifies pictures",
    "PoseModel": "estimates poses",
    "OBBModel": "detects rotated boxes",
}
OLD_YOLO = ("models.yolo.", "models.common.", "models.experimental.")
FASTAI_SAVE = (
    "These are the weights of a fastai learner, and its network is built by fastai. Convert it where you trained it: "
    "learn.load('name'); torch.jit.trace(learn.model.cpu().eval(), torch.rand(1, 3, 224, 224)).save('model.pt'), "
    "with your picture size."
)
WHOLE_MODULE = (
    "This file is a whole module ({name}). It holds the module's weights, which match no network of torchvision or "
    "timm, but not its code. Add the Python code that defines it (model.py), or export it where that code is: "
    "torch.jit.trace(model.eval(), torch.rand(1, 3, 224, 224), check_trace=False).save('model.pt') for TorchScript, or "
    "torch.onnx.export(model.eval(), (torch.rand(1, 3, 224, 224),), 'model.onnx') for ONNX, with your picture size."
)
MOST_NAMES, LONGEST_CLASS = 3, 100


def refuse_ultralytics(contents: Contents) -> None:
    """Raise UnsupportedModel, with the line that exports it, if the file holds a network of Ultralytics."""
    new = any(name.startswith("ultralytics.") for name in contents.names)
    if not new and not any(name.startswith(OLD_YOLO) for name in contents.names):
        return
    line = "yolo export model=best.pt format=onnx" if new else "python export.py --weights best.pt --include onnx"
    raise UnsupportedModel(
        f"This is a YOLO file of Ultralytics{_about(contents.value)}. Its network needs their library. Export it with "
        f"`{line}` and open the .onnx file."
    )


def way_out(contents: Contents, content: Any) -> UnsupportedModel | None:
    """Return the error that says how to open or convert a file whose network is not recognised; None if it is usual."""
    if pickles.is_fastai_export(contents):
        return UnsupportedModel(pickles.FASTAI)
    if whole_modules.is_module(contents.value):
        return ChooseArchitecture(WHOLE_MODULE.format(name=harmless(contents.value.name)))
    optimiser = content.get("opt") if isinstance(content, Mapping) else None
    if isinstance(optimiser, Mapping) and {"state", "hypers"} <= set(optimiser):
        return UnsupportedModel(FASTAI_SAVE)
    return None


def harmless(name: str) -> str:
    """Return the name of a class with its letters, digits and dots only, and not too long."""
    return re.sub(r"[^\w.]", "?", name[:LONGEST_CLASS], flags=re.ASCII)


def _about(value: Any) -> str:
    """Return what a network does and its classes, as far as the file says it."""
    network = next((part for part in _models(value) if isinstance(part, Record)), None)
    if network is None:
        return ""
    names = next(iter(extras.labels({"names": network.attributes.get("names")})), ())
    few = ", ".join(names[:MOST_NAMES]) + (", ..." if len(names) > MOST_NAMES else "")
    task = TASKS.get(network.name.rsplit(".", 1)[-1])
    facts = [*([task] if task else []), *([f"{len(names)} classes: {few}"] if names else [])]
    return f" ({'; '.join(facts)})" if facts else ""


def _models(value: Any) -> Iterable[Any]:
    return (value.get("model"), value.get("ema")) if isinstance(value, Mapping) else (value,)
