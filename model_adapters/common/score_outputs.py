"""Judge which of a network's outputs hold its class scores."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from model_adapters.common.probes import agree, are_probabilities
from xai_core.errors import UnsupportedModel
from xai_core.scores import squashed
from xai_core.types import Capability, Card, Floats, ScoreOutput

SAME = 1e-4
MOST_OUTPUTS = 32
MOST_NAME = 200
IMAGENET_CLASSES = 1000
TOO_MANY = "The model has {count} outputs that may hold class scores; expected at most {most}. Save it with one."
ASKED = "This model has several outputs that may hold the class scores; choose one of them first."
NOTE = "The model has {count} outputs; {name!r} is explained."
USUAL_NAMES = (
    r"logits?",
    r"prob\w*|softmax|scores?",
    r"\w*(logit|prob|softmax|score)\w*",
    r"\w*(class|pred)\w*",
    r"out(put)?s?",
)
OTHER_NAMES = r"(?i).*(aux|feat|embed|pool|hidden|box|mask)"
Answers = Mapping[str, list[Floats]]


def distinct(answers: Answers) -> tuple[str, ...]:
    """Return the names of the outputs that answer differently, from rows (N, K) of each for the same trial inputs.

    An output that repeats an earlier one, or that is the softmax, log-softmax or sigmoid of any other, is left out.
    """
    kept = [name for name in answers if not any(_is_end_of(answers[name], answers[o]) for o in answers if o != name)]
    return tuple(
        name for at, name in enumerate(kept) if not any(agree(answers[name], answers[o], SAME) for o in kept[:at])
    )


def _is_end_of(rows: list[Floats], logits: list[Floats]) -> bool:
    """Whether rows are the softmax, log-softmax or sigmoid of logits, which then are not the same as the rows."""
    if rows[0].shape != logits[0].shape or rows[0].shape[1] < 2 or agree(rows, logits, SAME):
        return False
    softmax = [squashed(each, "softmax") for each in logits]
    logarithm = [np.log(np.maximum(each, np.finfo(np.float32).tiny)) for each in softmax]
    return any(agree(rows, end, SAME) for end in (softmax, logarithm, [squashed(each, "sigmoid") for each in logits]))


def described(
    answers: Answers, names: Sequence[str], shapes: Mapping[str, tuple[int, ...]], labels: Sequence[int] = ()
) -> tuple[ScoreOutput, ...]:
    """Return a network's outputs, those called `names`, which may hold the class scores, with their sizes first.

    answers: as for `distinct`. shapes: of all outputs, with the batch. labels: how many class names each list in the
    file has. The likeliest output carries the reason. UnsupportedModel if there are too many.
    """
    if len(names) > MOST_OUTPUTS:
        raise UnsupportedModel(TOO_MANY.format(count=len(names), most=MOST_OUTPUTS))
    sizes = {name: answers[name][0].shape[1] for name in names}
    outputs = [ScoreOutput(name[:MOST_NAME], shapes[name], sizes[name]) for name in names]
    for likely, reason in _judgements(answers, names, sizes, labels):
        if len(likely) == 1:
            at = list(names).index(likely[0])
            outputs[at] = replace(outputs[at], reason=reason)
            break
    others = [ScoreOutput(name[:MOST_NAME], shape, 0) for name, shape in shapes.items() if name not in answers]
    return (*outputs, *others[: MOST_OUTPUTS - len(outputs)])


def _judgements(
    answers: Answers, names: Sequence[str], sizes: Mapping[str, int], labels: Sequence[int]
) -> Iterator[tuple[list[str], str]]:
    """Yield the outputs that a piece of evidence speaks for, and the evidence in words, the strongest first."""
    yield [name for name in names if sizes[name] in labels], "it has as many values as the file has class names"
    yield [name for name in names if are_probabilities(answers[name])], "its values sum to one"
    own = [name for name in names if not re.match(OTHER_NAMES, name)]
    for pattern in USUAL_NAMES:
        usual = [name for name in own if re.fullmatch(f"(?i){pattern}", _last_part(name))]
        yield usual, "its name is usual for class scores"
    thousand = [name for name in names if sizes[name] == IMAGENET_CLASSES]
    yield thousand, "it has 1,000 values, as many as ImageNet has classes"


def _last_part(name: str) -> str:
    """Return the last part of a path such as "head/logits:0" or "0.logits"."""
    return re.split(r"[./]", re.sub(r":\d+$", "", name))[-1]


def asking(card: Card, outputs: tuple[ScoreOutput, ...]) -> Card:
    """Return the card of a network that gives the rows of all `outputs` side by side until one is chosen."""
    missing = {name.name or "": ASKED for name in Capability if name not in (Capability.PREDICT, Capability.DETECT)}
    return replace(
        card,
        classes=sum(output.classes for output in outputs),
        capabilities=Capability.PREDICT,
        gives="logit",
        head="softmax",
        missing=missing,
        outputs=outputs,
    )


def apart(rows: Sequence[Floats], names: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> Answers:
    """Return the rows of each output, by name, from batches of rows side by side; shapes are those of the outputs."""
    ends = np.cumsum([int(np.prod(shapes[name][1:])) for name in names])
    parts = [np.split(batch, ends[:-1], axis=1) for batch in rows]
    return {name: [part[at] for part in parts] for at, name in enumerate(names)}


def side_by_side(parts: Sequence[Floats]) -> Floats:
    """Return rows (N, K1), (N, K2) ... as (N, K1 + K2 + ...)."""
    return np.concatenate(parts, axis=1)
