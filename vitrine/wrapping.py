"""Ask a model that is already in memory, without leaving this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from model_adapters.in_memory import framework_of, kept_settings, open_copy, weights_digest
from vitrine.files import Labels
from vitrine.in_process import InProcessRunner
from vitrine.model import Model
from vitrine.opening import PreprocessingLike, Wishes, model_of, prepared_model
from vitrine.progress import Tell, silent
from vitrine.runner import Runners
from xai_core.errors import in_sentences
from xai_core.preprocessing import Preprocessing
from xai_core.scores import THRESHOLD, Scoring
from xai_core.types import InputSpec, ModelSource, Task


@in_sentences("Opening the model failed")
def wrap(
    model: Any,
    *,
    preprocessing: PreprocessingLike | None = None,
    labels: Labels | None = None,
    task: Task | None = None,
    reading: str | Mapping[str, Any] = "",
    output: str = "",
    scoring: Scoring = "",
    references: Any = (),
    threshold: float = THRESHOLD,
    pictures: Any = (),
    progress: Tell | None = None,
) -> Model:
    """Return a PyTorch nn.Module or a Keras model in memory as a `Classifier`, `Segmenter` or `Detector`.

    It is copied, and the copy runs in this process without the sandbox of `load`: only wrap models whose code you
    trust. The model itself keeps its weights, hooks, mode, device and gradients; training it further does not change
    what was wrapped. A copy of a PyTorch module runs on a CUDA device where there is one. Answers are not kept on disk.
    preprocessing: how a picture becomes the model's input, as for `load`; with a height and a width it also says which
    input size a PyTorch module takes, which is otherwise found by trial. Everything else is as for `load`.
    Raises ModelError (UnsupportedModel), DataError, ParamError or JobError.
    """
    settings = reading if isinstance(reading, str) else json.dumps(dict(reading))
    meaning: dict[str, Any] = {"output": output, "scoring": scoring, "references": references, "threshold": threshold}
    wishes = Wishes(task, labels, preprocessing, settings, pictures=pictures, **meaning)
    framework = framework_of(model)
    with ExitStack() as held:
        open_as = partial(open_copy, model, expected=_expected_input(preprocessing))
        runner = InProcessRunner(open_as, partial(kept_settings, framework))
        held.callback(runner.close)
        source = ModelSource("", type(model).__name__, weights_digest(model))
        prepared = prepared_model(runner, source, wishes, progress or silent)
        # Nothing is kept on disk: the weights have a digest, but the model's code has none.
        return model_of(Runners(runner, runner), prepared, progress or silent, held.pop_all().close)


def _expected_input(preprocessing: PreprocessingLike | None) -> InputSpec | None:
    """Return the input that a preprocessing prepares, or None if it leaves the size open."""
    fields = preprocessing.to_json() if isinstance(preprocessing, Preprocessing) else preprocessing
    if not isinstance(fields, Mapping) or not {"height", "width"} <= set(fields):
        return None
    known = Preprocessing.from_json({name: fields[name] for name in ("height", "width", "channels") if name in fields})
    return InputSpec(known.height, known.width, 1 if known.channels == "gray" else 3)
