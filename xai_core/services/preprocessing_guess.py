"""Guess a model's preprocessing from what its file says, and from its answers to the usual preprocessings.

For photos whose classes are known, a preprocessing scores the probability of the right class. For other pictures it
scores the mutual information between the predicted class and the picture, estimated across small shifts of the
picture. With a wrong preprocessing a network gives the same answer to every picture, or a confident answer that
changes when the picture moves by a few pixels; both lower this score. It is the objective of invariant information
clustering (Ji, Henriques, Vedaldi, 2019), used to choose instead of to train.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xai_core.errors import ModelError, ParamError
from xai_core.labels import IMAGENET_CLASSES
from xai_core.pictures.files import Picture
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.preprocessing import Preprocessing, presets
from xai_core.scores import has_probabilities
from xai_core.types import Card, Floats

USUAL_SIDE = 224
SEGMENTER_SIDE = 512  # small pictures hold too little for a class of every pixel
HINT = "suggested"
NO_CLASSES = (
    "The outputs are not scores of classes, so they cannot show which preprocessing is right. Check that it matches "
    "the training."
)
UNSAID = "The file does not say how pictures are prepared."
Predict = Callable[[Preprocessing, Floats], Floats]
Trial = Callable[[Preprocessing], tuple[float, str]]

_ENOUGH_PICTURES = 8
_FEWEST_KNOWN = 3
_SMALL_SIDE = 96
_SMOOTHING = 0.05
_TELLING_PROBABILITY = 0.15  # below it, not even the best candidate recognises the known photos
_TIE = 0.05  # in units of the score: a probability, or nats
_CONTRADICTION = 0.3  # the file's hint is overruled below this share of a best score above it
_JSON_LIMIT = 1 << 16


@dataclass(frozen=True)
class Candidate:
    """A preprocessing that was tried.

    evidence: the outcome, in a sentence or two. score: mean probability of the right class if classes are known,
    otherwise information in nats. Higher is better; -inf means that the model gave no usable answer. assumed: whether
    it is used although neither the file nor photos with known classes say that it is right.
    """

    name: str
    preprocessing: Preprocessing
    evidence: str
    score: float
    assumed: bool = False


def input_size(card: Card) -> tuple[int, int]:
    """Return the height and width of the input; for a free side, those of the file's hint, otherwise the usual ones."""
    side = SEGMENTER_SIDE if card.task == "segment" else USUAL_SIDE
    hint = (card.hint.height, card.hint.width) if card.hint else (None, None)
    height = card.input.height or hint[0] or card.input.width or side
    return height, card.input.width or hint[1] or height


def candidates(card: Card) -> dict[str, Preprocessing]:
    """Return the preprocessings to try, by name: the usual ones at the model's input size, plus the file's hint."""
    usual = presets(*input_size(card), card.input.channels)
    if card.task == "segment":  # a class of every pixel, so nothing is cut off
        usual = {name: replace(way, fit="squash") for name, way in usual.items()}
    if card.hint is None:
        return usual
    hint = card.hint
    usual = {
        name: replace(way, fit=hint.fit, crop_share=hint.crop_share, resample=hint.resample)
        for name, way in usual.items()
    }
    name = next((name for name, way in usual.items() if way == hint), HINT)
    return {name: hint} | usual


def load_preprocessing(text: str, card: Card) -> Preprocessing:
    """Return the preprocessing that `text` names: a usual one such as "-1..1" or "ImageNet", or a JSON file's path.

    The file holds fields of Preprocessing; missing ones are taken from the first of `candidates`. Raises ParamError for
    anything else.
    """
    known = candidates(card)
    named = _starting_with(text, known)
    if len(named) == 1:
        return known[named[0]]
    fields = _fields_in(text, known)
    return Preprocessing.from_json(next(iter(known.values())).to_json() | fields)


def check_preprocessing_name(text: str) -> None:
    """Raise ParamError if `text` names neither a preprocessing of any model nor a JSON file; this needs no model."""
    names = (*presets(USUAL_SIDE, USUAL_SIDE), HINT)
    if not _starting_with(text, names):
        _fields_in(text, names)


def chosen_preprocessing(chosen: str | Mapping[str, Any] | Preprocessing, card: Card) -> Preprocessing:
    """Return a preprocessing from itself, its fields, its name or a JSON file's path; ParamError for anything else.

    Fields that are left out are as in the first of `candidates`.
    """
    if isinstance(chosen, Preprocessing):
        return chosen
    if isinstance(chosen, Mapping):
        return Preprocessing.from_json(next(iter(candidates(card).values())).to_json() | dict(chosen))
    return load_preprocessing(chosen, card)


def rank(
    card: Card, predict: Predict, pictures: Sequence[Picture], references: Sequence[KnownPhoto] = ()
) -> tuple[Candidate, ...]:
    """Try all candidates and return them, the best first.

    predict: (preprocessing, images (N, H, W, 3) in [0, 1]) -> probabilities (N, K). pictures: the user's own.
    references: photos with known ImageNet classes. The file's hint comes first unless the answers clearly contradict
    it. Raises the model's own error if it answers none of the candidates.
    """
    ways = candidates(card)
    if not has_probabilities(card):
        evidence = f"{card.hint_reason} {NO_CLASSES}".strip()
        return _assumed(card, [Candidate(name, way, evidence, 0.0) for name, way in ways.items()])
    coloured = card.input.channels in (1, 3)
    known = [r for r in references if coloured and r.classes and max(r.classes) < card.classes]
    if card.classes == IMAGENET_CLASSES and len(known) >= _FEWEST_KNOWN:
        ranked = _tried(ways, _known_classes(predict, known))
        if ranked[0].score >= _TELLING_PROBABILITY:
            return _with_ties(_hint_first(card, ranked))
    pool = _pool(pictures, references, next(iter(ways.values())))
    if not pool:
        return _assumed(card, [Candidate(n, way, _no_picture(card), 0.0) for n, way in ways.items()])
    ranked = _tried(ways, _telling(predict, pool))
    return _assumed(card, _weighed(_with_ties(_hint_first(card, ranked)), len(pictures), len(pool)))


def _assumed(card: Card, ranked: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Say of the first candidate that it is assumed, if the file says nothing."""
    first, *others = ranked
    if card.hint is not None and card.hint_known:
        return tuple(ranked)
    said = card.hint_reason and card.hint_reason in first.evidence  # the reason for a guess says so already
    return replace(first, assumed=True, evidence=first.evidence if said else f"{UNSAID} {first.evidence}"), *others


def _starting_with(text: str, names: Iterable[str]) -> list[str]:
    start = text.strip().lower()
    return [name for name in names if start and name.lower().startswith(start)]


def _fields_in(text: str, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields in the JSON file that `text` names. names: the preprocessings that it could have named."""
    path = Path(text)
    if not path.is_file():
        raise ParamError(
            f"No preprocessing or file is called {text!r}. Choose one of {', '.join(names)}, or a JSON file."
        )
    try:
        values = json.loads(path.read_bytes()[:_JSON_LIMIT])
    except (OSError, ValueError, RecursionError) as error:
        raise ParamError(
            f"{path.name} is not valid JSON. Expected an object with fields such as height, width, mean and std."
        ) from error
    if not isinstance(values, dict):
        raise ParamError(f"{path.name} must hold a JSON object with fields such as height, width, mean and std.")
    return values


def _tried(ways: dict[str, Preprocessing], trial: Trial) -> list[Candidate]:
    outcomes, failures = [], []
    for name, way in ways.items():
        try:
            score, evidence = trial(way)
        except ModelError as error:
            if type(error) is not ModelError:  # the file is at fault, not this candidate
                raise
            failures.append(error)
            score, evidence = -math.inf, str(error)
        outcomes.append(Candidate(name, way, evidence, score))
    if len(failures) == len(outcomes):
        raise failures[0]
    return sorted(outcomes, key=lambda candidate: -candidate.score)


def _known_classes(predict: Predict, known: Sequence[KnownPhoto]) -> Trial:
    def trial(way: Preprocessing) -> tuple[float, str]:
        answers = _distributions(predict(way, np.stack([r.picture().placed(way) for r in known])))
        right = [float(row[list(r.classes)].sum()) for row, r in zip(answers, known, strict=True)]
        best_five = np.argsort(answers, axis=1)[:, -5:]
        hits = sum(bool(set(row) & set(r.classes)) for row, r in zip(best_five.tolist(), known, strict=True))
        score = float(np.mean(right))
        return score, (
            f"The right class is among the top five for {hits} of {len(known)} known photos; "
            f"its mean probability is {score:.0%}."
        )

    return trial


def _telling(predict: Predict, pool: Sequence[Picture]) -> Trial:
    def trial(way: Preprocessing) -> tuple[float, str]:
        shifted = _shifted(np.stack([p.placed(way) for p in pool]))
        views, count = len(shifted), len(pool)
        answers = _distributions(predict(way, np.concatenate(shifted)))
        answers = answers.reshape(views, count, -1)
        chosen = answers.argmax(axis=2)
        sure, steady = float(answers[0].max(axis=1).mean()), float((chosen[1:] == chosen[0]).mean())
        different = len(set(chosen[0].tolist()))
        return information(answers), (
            f"{different} different {'answer' if different == 1 else 'answers'} to {count} "
            f"{'picture' if count == 1 else 'pictures'}, with a mean probability of {sure:.0%}; "
            f"{steady:.0%} stay the same when the picture is shifted slightly."
        )

    return trial


def information(answers: Floats) -> float:
    """Return the information between pictures and answers across views, in nats; at most the log of the class count.

    answers: probabilities (V, N, K) for V views of N pictures; the first view is the picture itself.
    """
    smooth = (1 - _SMOOTHING) * answers + _SMOOTHING / answers.shape[2]
    logs = np.log(smooth)
    marginal = smooth.mean(axis=(0, 1))
    across = (smooth[:1] * logs[1:] + smooth[1:] * logs[:1]).sum(axis=2).mean() / 2
    return float(across - (marginal * np.log(marginal)).sum())


def _shifted(images: Floats) -> list[Floats]:
    """Return the images, and the images shifted by a sixteenth of their side; fewer shifts if they are large."""
    height, width = images.shape[1:3]
    by = max(1, round(min(height, width) / 16))
    small = max(height, width) <= _SMALL_SIDE
    moves = [(0, by), (0, -by), (by, 0), (-by, 0)] if small else [(by, by), (-by, -by)]
    wide = np.pad(images, ((0, 0), (by, by), (by, by), (0, 0)), mode="edge")
    moved = [wide[:, by + dy : by + dy + height, by + dx : by + dx + width] for dy, dx in moves]
    return [images, *moved]


def _distributions(answers: Floats) -> Floats:
    """Return rows that sum to one, even for a single output or for independent labels."""
    if answers.shape[1] == 1:
        answers = np.concatenate([answers, 1 - answers], axis=1)
    return np.asarray(answers / np.maximum(answers.sum(axis=1, keepdims=True), 1e-12), np.float32)


def _pool(pictures: Sequence[Picture], references: Sequence[KnownPhoto], way: Preprocessing) -> list[Picture]:
    own = [picture for picture in pictures if picture.suits(way)][:_ENOUGH_PICTURES]
    known = (r.picture() for r in references[: _ENOUGH_PICTURES - len(own)])
    return own + [picture for picture in known if picture.suits(way)]


def _no_picture(card: Card) -> str:
    if card.input.channels in (1, 3):
        return "There is no picture to try it on yet."
    hint = f"{card.hint_reason} " if card.hint_reason else ""
    return f"{hint}There is no picture with {card.input.channels} channels to try it on yet; check it."


def _hint_first(card: Card, ranked: list[Candidate]) -> list[Candidate]:
    hinted = next((c for c in ranked if c.preprocessing == card.hint), None)
    if hinted is None:
        return ranked
    others = [c for c in ranked if c is not hinted]
    telling = card.task != "segment"  # the mean over a whole picture says little about its pixels
    if telling and ranked[0].score > _CONTRADICTION and hinted.score < _CONTRADICTION * ranked[0].score:
        doubted = replace(hinted, evidence=f"{card.hint_reason} But the answers contradict it. {hinted.evidence}")
        return [doubted if c is hinted else c for c in ranked]
    return [replace(hinted, evidence=f"{card.hint_reason} {hinted.evidence}".strip()), *others]


def _with_ties(ranked: list[Candidate]) -> tuple[Candidate, ...]:
    close = [c.name for c in ranked[1:] if c.score > ranked[0].score - _TIE]
    if not close:
        return tuple(ranked)
    tie = f"{' and '.join(close)} {'does' if len(close) == 1 else 'do'} about as well."
    return replace(ranked[0], evidence=f"{ranked[0].evidence} {tie}"), *ranked[1:]


def _weighed(ranked: tuple[Candidate, ...], own: int, tried: int) -> tuple[Candidate, ...]:
    """Add to the first candidate a note if its evidence is weak."""
    if own >= _ENOUGH_PICTURES // 2:
        return ranked
    shown = {0: "no picture of yours", 1: "one picture of yours"}.get(own, f"{own} pictures of yours")
    samples = f" and {tried - own} sample photos" if tried > own else ""
    weak = f"With {shown}{samples}, this is weak evidence: add pictures and check the predictions."
    return replace(ranked[0], evidence=f"{ranked[0].evidence} {weak}"), *ranked[1:]
