"""Open a model file in its own sandboxed process."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import Any

from vitrine.code_files import Arguments, CodeWish, model_code
from vitrine.files import Labels, model_source
from vitrine.model import Model
from vitrine.opening import PreprocessingLike, Wishes, model_of, prepared_model
from vitrine.progress import Tell, silent
from vitrine.runner import Runners, local_runner, remembered
from xai_core.errors import ParamError, in_sentences
from xai_core.scores import THRESHOLD, Scoring
from xai_core.types import Task

_NUMBERS = itertools.count(1)


@in_sentences("Opening the model failed")
def load(
    path: str | os.PathLike[str],
    *,
    architecture: str | None = None,
    labels: Labels | None = None,
    preprocessing: PreprocessingLike | None = None,
    task: Task | None = None,
    reading: str | Mapping[str, Any] = "",
    output: str = "",
    scoring: Scoring = "",
    references: Any = (),
    threshold: float = THRESHOLD,
    prompt: str | None = None,
    code: str | os.PathLike[str] | None = None,
    class_name: str = "",
    arguments: Arguments | None = None,
    pictures: Any = (),
    progress: Tell | None = None,
) -> Model:
    """Open a model file in a sandboxed process and return it as a `Classifier`, `Segmenter` or `Detector`.

    path: a PyTorch checkpoint, state dict, whole module, safetensors or TorchScript file, a folder of a model hub (of
    transformers or timm, also as a zip), a Keras file, a SavedModel (folder, zip or tar) or an ONNX file; the format is
    detected from the content. architecture: of a bare state dict, such as "torchvision/resnet18"; detected by default.
    labels: a txt, json or csv file, names in the model's order, or {index: name}; by default those in the file, or
    ImageNet's for 1000 classes. For CLIP and SigLIP, the labels to choose from; TypeLabels is raised without them.
    preprocessing: a common one by name ("imagenet", "-1..1", "0..1", "0..255", "caffe"), a JSON file, fields such as
    {"height": 64, "width": 64}, or a `vitrine.Preprocessing`; by default the common ones are tried. task: "classify",
    "segment" or "detect"; detected by default. reading: how a detector's outputs are read, as JSON or a mapping.
    output: the name of the output that holds the class scores, if a classifier has several candidates; without it,
    ChooseOutput lists them with what each would predict. scoring: what the outputs are, if the file does not say:
    "softmax" if exactly one class is right, "sigmoid" if several may be, "none" for numbers (regression), "similarity"
    for an embedding, which is compared with `references`, pictures of your own. code: Python code that defines the
    network of a state dict, or the layers of a Keras file, as a .py file, a zip or a folder; it runs in the same
    sandboxed process. class_name: the class or function in the code that builds the network; by default the one that
    fits the weights, or ChooseEntry lists them. arguments: its arguments, such as {"num_classes": 7} or
    "num_classes=7"; by default guessed from the file. threshold: the lowest probability of a predicted class, if
    several may be right. prompt: for CLIP and SigLIP, the text around each label, by default "a photo of a {}".
    pictures: pictures of your own, on which the preprocessing is tried too. progress: called regularly with one line of
    text. Raises ModelError (RefusedModel, UnsupportedModel, ChooseOutput, ChooseEntry, TypeLabels), DataError,
    ParamError or JobError.
    """
    if code is None and (class_name or arguments is not None):
        raise ParamError("class_name and arguments need code. Pass it too, such as code='model.py'.")
    settings = reading if isinstance(reading, str) else json.dumps(dict(reading))
    meaning: dict[str, Any] = {"output": output, "scoring": scoring, "references": references, "threshold": threshold}
    wishes = Wishes(task, labels, preprocessing, settings, pictures=pictures, prompt=prompt, **meaning)
    owner = f"library {os.getpid()} {next(_NUMBERS)}"
    own = None if code is None else CodeWish(code, class_name, arguments)
    return loaded(shared_runners(), path, wishes, architecture, progress or silent, owner, own)


def loaded(
    runners: Runners,
    path: str | os.PathLike[str],
    wishes: Wishes,
    architecture: str | None,
    tell: Tell,
    owner: str = "",
    code: CodeWish | None = None,
) -> Model:
    """Open a model file. owner: whose process is released when the model is closed; "" leaves that to the runner."""
    with ExitStack() as held:
        source, packed = model_source(path, architecture)
        held.enter_context(packed)
        owned = replace(source, owner=owner, code=None if code is None else held.enter_context(model_code(code)))
        if owner:
            held.callback(runners.plain.release, owner)
        prepared = prepared_model(runners.plain, owned, wishes, tell)
        return model_of(runners, prepared, tell, held.pop_all().close)


@cache
def shared_runners() -> Runners:
    """Return the runners of this process; they end their workers when Python exits."""
    runner = local_runner()
    return Runners(runner, remembered(runner))
