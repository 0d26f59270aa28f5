"""Class names: read them from a txt, JSON or CSV file, use the standard ones, and find a class by name or number."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from xai_core.errors import DataError
from xai_core.scores import has_probabilities, sides_of
from xai_core.types import Card
from xai_core.wording import either

MAX_BYTES = 4 << 20
MAX_LENGTH = 300
IMAGENET_CLASSES = 1000
BACKGROUND = ("__background__", "background", "bg", "_background_")
_NAME_COLUMNS = ("label", "labels", "class", "class_name", "classname", "name", "names")
_INDEX_COLUMNS = ("index", "idx", "id", "class_id", "class_index", "number", "no", "")
_NUMBERED = re.compile(r"(\d{1,9})\s*[:;,\t ]\s*(.+)")
_LONGEST_NUMBER = 10  # digits
_WORDNET_ID = re.compile(r"n\d{8}[\s,:;]+(?=\S)")
_ONE_EACH = "It needs one label per class, in the model's order."
_NO_LABELS = f"The file contains no labels. {_ONE_EACH}"

Label = tuple[int | None, str]  # the index, if the file gives one, and the name


def read_labels(data: bytes, classes: int | None = None, name: str = "", both_sides: bool = False) -> tuple[str, ...]:
    """Read one label per class from the bytes of a txt, JSON or CSV file; DataError if that fails.

    classes: the number of classes to check against, or None. name: the file's name; its ending helps to distinguish
    CSV and JSON from plain lines. both_sides: whether one label is enough, as for the two sides of a single output.
    JSON may be a list of names, {"0": "cat"}, {"cat": 0},
    Keras' {"0": ["n02123045", "tabby"]}, or any of these under "labels", "classes" or "id2label".
    """
    text = _decoded(data)
    labels = _in_order(_parsed(text, name))
    if not labels:
        raise DataError(_NO_LABELS)
    labels = sides_of(labels) if both_sides else labels
    if classes is not None and len(labels) != classes:
        raise DataError(f"The file contains {len(labels)} labels, but the model has {classes} classes. {_ONE_EACH}")
    return labels


def read_detector_labels(data: bytes, classes: int, name: str = "") -> tuple[str, ...]:
    """Return names for classes from a file, whose first name may be the background.

    Raises DataError if there are too few or too many.
    """
    try:
        return read_labels(data, classes, name)
    except DataError as error:
        try:
            first, *rest = read_labels(data, classes + 1, name)
        except DataError:
            raise error from None
        if first.strip().casefold() not in BACKGROUND:
            raise
        return tuple(rest)


def imagenet_labels() -> tuple[str, ...]:
    """Return the 1000 class names of ImageNet (ILSVRC 2012), in the standard order."""
    return _imagenet()


def labels_for(card: Card) -> tuple[str, ...]:
    """Return the labels inside the model's file, or ImageNet's for 1000 classes, or else "class 0", "class 1"...

    Outputs that are numbers are called "output 0", "output 1"...
    """
    labels = sides_of(card.labels) if card.both_sides else tuple(card.labels)
    if len(labels) == card.classes:
        return labels
    if not has_probabilities(card):
        return tuple(f"output {n}" for n in range(card.classes))
    return imagenet_labels() if card.classes == IMAGENET_CLASSES else tuple(f"class {n}" for n in range(card.classes))


def find_class(text: str | int, labels: Sequence[str]) -> int:
    """Return the index of a class, given by that index, or by a text: its number, its name, or a part of one name only.

    Raises DataError for an index out of range, and for a text that names no class or several.
    """
    if not isinstance(text, str):
        return _index(text, labels)
    wanted = text.strip().casefold()
    if re.fullmatch(r"-?\d{1,9}", wanted) and 0 <= int(wanted) < len(labels):
        return int(wanted)
    names = [label.casefold() for label in labels]
    exact = [n for n, name in enumerate(names) if name == wanted]
    matches = exact or [n for n, name in enumerate(names) if wanted and wanted in name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        shown = ", ".join(f"{labels[n]} ({n})" for n in matches[:5])
        more = ", ..." if len(matches) > 5 else ""
        raise DataError(f"{text!r} matches {len(matches)} classes: {shown}{more}. Enter the number of the class.")
    raise DataError(f"There is no class {text!r}. {_suggestion(wanted, names, labels)}")


def _index(number: int, labels: Sequence[str]) -> int:
    if not 0 <= number < len(labels):
        raise DataError(f"There is no class {number}. Enter a number from 0 to {len(labels) - 1}.")
    return int(number)


def _suggestion(wanted: str, names: list[str], labels: Sequence[str]) -> str:
    close = get_close_matches(wanted, names, n=3)
    near = f"Did you mean {either([labels[names.index(name)] for name in close])}? " if close else ""
    return f"{near}Enter a name, or a number from 0 to {len(labels) - 1}."


@cache
def _imagenet() -> tuple[str, ...]:
    return tuple(json.loads(files("xai_core").joinpath("data/imagenet_classes.json").read_text("utf-8")))


def _decoded(data: bytes) -> str:
    if not data.strip():
        raise DataError(f"The label file is empty. {_ONE_EACH}")
    if len(data) > MAX_BYTES:
        raise DataError(f"The label file has more than {MAX_BYTES >> 20} MB. {_ONE_EACH}")
    try:
        text = data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise DataError("The label file is not a text file. Use a txt, JSON or CSV file.")
    return text


def _parsed(text: str, name: str) -> list[Label]:
    if text.lstrip().startswith(("{", "[")) or name.lower().endswith(".json"):
        return _from_json(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(_NO_LABELS)
    rows = _rows(lines)
    if name.lower().endswith(".csv") or _columns(rows[0]) is not None:
        return _from_rows(rows)
    return _from_lines(lines)


def _from_json(text: str) -> list[Label]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(
            "The label file is not valid JSON. Use a JSON list of names, or a txt file with one name per line."
        ) from error
    if isinstance(values, dict):
        values = next(
            (values[key] for key in ("id2label", "labels", "classes") if _holds_many(values.get(key))), values
        )
    if isinstance(values, list):
        return [(None, _name(value)) for value in values]
    if isinstance(values, dict):
        return [_pair(key, value) for key, value in values.items()]
    raise DataError('The JSON file contains no list of labels. Use a list of names, or an object such as {"0": "cat"}.')


def _holds_many(value: Any) -> bool:
    return isinstance(value, list | dict)


def _pair(key: str, value: Any) -> Label:
    if isinstance(value, int) and not isinstance(value, bool):
        return value, key
    if key.strip().isdecimal() and len(key) < _LONGEST_NUMBER:
        return int(key), _name(value)
    raise DataError(f"The JSON file has {key[:40]!r} where a class number was expected.")


def _name(value: Any) -> str:
    if isinstance(value, list) and value:
        return _name(value[-1])
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise DataError(f"The JSON file has {str(value)[:40]!r} where a label was expected.")


def _rows(lines: list[str]) -> list[list[str]]:
    delimiter = max(",;\t", key=lambda sign: sum(sign in line for line in lines))
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise DataError("The label file is not valid CSV. Use a txt file with one label per line.") from error


def _columns(header: list[str]) -> tuple[int | None, int] | None:
    """Return the columns of index and name, or None if this row is not a header."""
    words = [cell.lower() for cell in header]
    name = next((words.index(word) for word in _NAME_COLUMNS if word in words), None)
    if name is None:
        return None
    return next((n for n, word in enumerate(words) if word in _INDEX_COLUMNS and n != name), None), name


def _from_rows(rows: list[list[str]]) -> list[Label]:
    columns = _columns(rows[0])
    body = rows if columns is None else rows[1:]
    if columns is None:
        numbered = all(len(row) > 1 and row[0].isdecimal() for row in body)
        columns = (0, 1) if numbered else (None, 0)
    index, name = columns
    try:
        return [(None if index is None else int(row[index]), row[name]) for row in body]
    except (IndexError, ValueError) as error:
        raise DataError(
            "A row of the CSV file has no number or no label. Each row needs `index,label` or a label alone."
        ) from error


def _from_lines(lines: list[str]) -> list[Label]:
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    pairs = [(int(match[1]), match[2]) for match in numbered if match]
    if len(pairs) == len(lines) and sorted(n for n, _ in pairs) == list(range(len(lines))):
        return [*pairs]
    return [(None, line) for line in lines]


def _in_order(labels: list[Label]) -> tuple[str, ...]:
    indices = [index for index, _ in labels if index is not None]
    if indices:
        _check_indices(indices, len(labels))
        labels = sorted(labels, key=lambda label: label[0] or 0)
    return tuple(_clean(name) for _, name in labels)


def _check_indices(indices: list[int], count: int) -> None:
    missing = sorted(set(range(count)) - set(indices))
    if missing and sorted(indices) != list(range(1, count + 1)):
        raise DataError(
            f"The label file has no class {missing[0]}. Number the classes from 0 to {count - 1}, each once."
        )


def _clean(name: str) -> str:
    label = "".join(sign for sign in _WORDNET_ID.sub("", name.strip(), count=1) if sign.isprintable())
    if not label:
        raise DataError("One of the labels is empty. Every class needs a name.")
    if len(label) > MAX_LENGTH:
        raise DataError(f"A label is {len(label)} characters long; the limit is {MAX_LENGTH}. Is this a label file?")
    return label
