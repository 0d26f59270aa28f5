"""Propose what the columns of a table mean from their names and values, with the reasons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from xai_core.bias.columns import PICTURE, PREDICTED_CLASS, PROBABILITY, TRUE_CLASS
from xai_core.bias.numbers import PER_CENT, Column, has_percent_signs, is_mostly_numbers, numbers_of
from xai_core.bias.table_files import FILE, TRUTH, Table, texts_of
from xai_core.types import Doubles
from xai_core.wording import natural, some

GUESS = ("y_pred", "pred", "predicted", "prediction")
TRUTH_LIKE = (
    *TRUTH, "true_label", "true_class", "ground_truth", "groundtruth", "gt", "gt_label", "gt_class", "actual_label",
    "actual_class", "target_label", "target_class", "y_actual", "y_test", "label_true", "class_true", "expected",
    "reference", "annotation", "real", "labels", "class", "category", "y",
)  # fmt: skip
GUESS_LIKE = (
    *GUESS, "predictions", "predicted_label", "predicted_class", "pred_label", "pred_class", "label_pred", "class_pred",
    "y_hat", "yhat", "prediction_label", "model_prediction", "model_output", "top1", "top_1", "argmax", "output",
)  # fmt: skip
TRUE_WORDS, GUESS_WORDS = (
    {"true", "truth", "actual", "gt", "groundtruth", "target"},
    {"pred", "predicted", "prediction"},
)
SCORE_WORDS = {"p", "pr", "prob", "proba", "probability", "probabilities", "score", "scores", "conf", "confidence"}
SCORE_WORDS |= {"softmax", "likelihood", "posterior"}
_SCORE = rf"(?:{'|'.join(sorted(SCORE_WORDS, key=len, reverse=True))})"
_BEFORE = re.compile(rf"(?:y[\s_.-])?{_SCORE}(?:\s+of\s+|[\s_.:|(\[{{<-]+)(.+?)[)\]}}>]*(?:\s*\(?%\)?)?", re.IGNORECASE)
_BEHIND = re.compile(rf"(.+?)[\s_.:|(\[-]+(?:{_SCORE}|%)[)\]]?(?:\s*\(?%\)?)?", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:class|label|output)[\s_.-]*(\d+)", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LEAST_PERCENT, _MOST_PERCENT, _ABOUT = 1.5, 100.5, 2.0
_TOO_MANY = 2_000  # classes


@dataclass
class Guess:
    """A proposal in the making. roles: columns by role. percent: whether probabilities are percentages."""

    roles: dict[str, str]
    percent: bool = False
    reasons: list[str] = field(default_factory=list)

    def take(self, role: str, name: str, why: str) -> None:
        self.roles[role] = name
        self.reasons.append(why)


def guessed(table: Table, labels: Sequence[str] = (), known: Mapping[str, str] | None = None) -> Guess:
    """Propose a role for the columns that look like one.

    labels: the classes, if they are known. known: roles that are certain; the others are guessed.
    """
    guess = Guess(dict(known or {}))
    scored = [name for name, column in table.columns.items() if is_mostly_numbers(column)]
    _guess_class(guess, table, TRUE_CLASS, TRUTH_LIKE, TRUE_WORDS, "true class")
    _guess_class(guess, table, PREDICTED_CLASS, GUESS_LIKE, GUESS_WORDS, "predicted class")
    _guess_by_values(guess, table, scored)
    _guess_file(guess, table)
    free = [name for name in scored if name not in guess.roles.values()]
    classes = list(labels or table.labels) or _classes(guess, table)
    if len(classes) > 1 and table.probabilities is None and free:
        _guess_probabilities(guess, table, free, classes)
        _guess_percent(guess, table)
    return guess


def alike(text: str) -> str:
    """Return what names that look alike have in common: words without case, spaces and signs."""
    return "_".join(_WORDS.findall(_HUMPS.sub("_", text).casefold()))


def _guess_class(guess: Guess, table: Table, role: str, names: Sequence[str], words: set[str], meaning: str) -> None:
    """Find the column of true or predicted classes by its name: a known one first, then one with a known word."""
    if role in guess.roles:
        return None
    free = {name: alike(name) for name in table.columns if name not in guess.roles.values()}
    ranked = [name for known in names for name, plain in free.items() if plain == known]
    ranked += [name for name, plain in free.items() if words & set(plain.split("_"))]
    for name in ranked:
        scores = SCORE_WORDS & set(free[name].split("_"))
        if not scores and _holds_classes(table.columns[name]):
            return guess.take(role, name, f"{name[:60]!r} is the {meaning}, by its name.")
    return None


def _guess_by_values(guess: Guess, table: Table, scored: Iterable[str]) -> None:
    """Find two columns with the same few texts where no name helps: the first is taken as the true class."""
    if TRUE_CLASS in guess.roles and (PREDICTED_CLASS in guess.roles or table.probabilities is not None):
        return
    numbers, taken = set(scored), set(guess.roles.values())
    values = {n: _few_values(c) for n, c in table.columns.items() if n not in numbers and n not in taken}
    truth = guess.roles.get(TRUE_CLASS)
    first = [truth] if truth else list(values)
    for name in first:
        own = _few_values(table.columns[name]) if name == truth else values[name]
        twin = next((n for n, other in values.items() if n != name and own and other == own), None)
        if own and twin is not None:
            if truth is None:
                guess.take(
                    TRUE_CLASS,
                    name,
                    f"{name[:60]!r} is taken as the true class, as it has the values of {twin[:60]!r}.",
                )
            guess.roles.setdefault(PREDICTED_CLASS, twin)
            guess.reasons.append(
                f"{twin[:60]!r} is taken as the predicted class, as it has the values of {name[:60]!r}."
            )
            return


def _guess_file(guess: Guess, table: Table) -> None:
    name = next((n for known in FILE for n in table.columns if alike(n) in (known, f"{known}_name")), None)
    if name is not None and name not in guess.roles.values():
        guess.roles.setdefault(PICTURE, name)


def _guess_probabilities(guess: Guess, table: Table, free: list[str], classes: list[str]) -> None:
    if any(role.startswith(PROBABILITY) for role in guess.roles):
        return None
    by_class = _named_after(free, classes) or _numbered(free, classes)
    if len(by_class) >= len(classes) or (len(classes) == 2 and len(by_class) == 1):
        guess.roles.update({f"{PROBABILITY}{label}": name for label, name in by_class.items()})
        how = "named after" if _named_after(free, classes) else "numbered in the order of"
        return guess.reasons.append(f"{some([n[:60] for n in by_class.values()])}: probabilities, {how} the classes.")
    if len(classes) == 2 and (name := _one_score(table, free)) is not None:
        positive = sorted(classes, key=natural)[1]
        why = f"{name[:60]!r} is taken as the probability of {positive[:60]!r}, the second of the two classes."
        guess.take(f"{PROBABILITY}{positive}", name, why)
    return None


def _named_after(names: Iterable[str], classes: Sequence[str]) -> dict[str, str]:
    """Return columns by class whose name holds the name of the class: P(cat), cat_prob, prob_cat, or cat alone."""
    known = {alike(label): label for label in classes}
    named: dict[str, str] = {}
    patterns: set[tuple[str, str]] = set()
    for name in (offered := list(names)):
        for stem in (name, *_stems(name)):
            if (label := known.get(alike(stem))) is not None and label not in named:
                named[label] = name
                before, _, behind = name.partition(stem)
                patterns.add((before, behind))
                break
    ordered = {label: named[label] for label in classes if label in named}
    return ordered | (_written_alike(offered, named, *patterns) if len(ordered) == len(classes) > 1 else {})


def _written_alike(names: Iterable[str], named: Mapping[str, str], *patterns: tuple[str, str]) -> dict[str, str]:
    """Return columns written as those of all classes are, for classes that do not occur."""
    if len(patterns) != 1 or patterns == (("", ""),):
        return {}
    ((before, behind),) = patterns
    rest = [name for name in names if name not in named.values() and len(name) > len(before + behind)]
    alike_names = [name for name in rest if name.startswith(before) and name.endswith(behind)]
    return {name[len(before) : len(name) - len(behind)]: name for name in alike_names}


def _numbered(names: Iterable[str], classes: Sequence[str]) -> dict[str, str]:
    """Return columns by class where they are numbered, as scikit-learn does: in the sorted order of the classes."""
    numbers = {int(stem): name for name in names for stem in _stems(name) if stem.isascii() and stem.isdecimal()}
    ordered = sorted(classes, key=natural)
    first = min(numbers, default=0)
    if first > 1 or sorted(numbers) != list(range(first, first + len(ordered))):
        return {}
    return {label: numbers[first + place] for place, label in enumerate(ordered)}


def _stems(name: str) -> list[str]:
    matches = (pattern.fullmatch(name.strip()) for pattern in (_BEFORE, _BEHIND, _NUMBERED))
    return [match[1] for match in matches if match is not None]


def _one_score(table: Table, names: Iterable[str]) -> str | None:
    """Return the column that is called a score or probability and holds shares or percentages."""
    for name in names:
        if SCORE_WORDS & set(alike(name).split("_")):
            values = _finite(table.columns[name])
            if len(values) and 0 <= values.min() <= values.max() <= _MOST_PERCENT:
                return name
    return None


def _guess_percent(guess: Guess, table: Table) -> None:
    names = [name for role, name in guess.roles.items() if role.startswith(PROBABILITY)]
    columns = [table.columns[name] for name in names]
    if not columns or any(map(has_percent_signs, columns)):
        return
    values = [_finite(column) for column in columns]
    highest = max((float(each.max()) for each in values if len(each)), default=0.0)
    with np.errstate(over="ignore"):
        rows = np.nansum([numbers_of(column) for column in columns], axis=0)
    adds_up = len(columns) == 1 or abs(float(np.median(rows)) - PER_CENT) < _ABOUT
    if _LEAST_PERCENT < highest <= _MOST_PERCENT and adds_up:
        guess.percent = True
        guess.reasons.append(f"Probabilities reach {highest:g}, so they are taken as percentages.")


def _finite(column: Column) -> Doubles:
    numbers = numbers_of(column)
    return numbers[np.isfinite(numbers)]


def _holds_classes(column: Column) -> bool:
    if column.dtype.kind == "f" and not (_finite(column) == np.round(_finite(column))).all():
        return False
    return 1 < len(set(texts_of(column).tolist()) - {""}) <= _TOO_MANY


def _few_values(column: Column) -> frozenset[str]:
    values = frozenset(texts_of(column).tolist()) - {""}
    return values if 1 < len(values) <= _TOO_MANY else frozenset()


def _classes(guess: Guess, table: Table) -> list[str]:
    """Return the classes that occur; those that look alike count once, spelt as in a column prob_<class> or mostly."""
    spelt: dict[str, str] = {}
    for name in (guess.roles[role] for role in (TRUE_CLASS, PREDICTED_CLASS) if role in guess.roles):
        counts = Counter(texts_of(table.columns[name]).tolist())
        del counts[""]
        for text in sorted(counts, key=lambda text: (f"{PROBABILITY}{text}" not in table.columns, -counts[text], text)):
            spelt.setdefault(alike(text) or text, text)
    return sorted(spelt.values(), key=natural)
