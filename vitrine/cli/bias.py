"""vitrine bias: where a classifier is unfair, from a table of its predictions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitrine.cli.flags import add_flags, given
from vitrine.cli.inputs import add_labels
from xai_core.bias.settings import Attack, Settings
from xai_core.bias.wording import number, words
from xai_core.errors import DataError
from xai_core.jobs.base import Runner
from xai_core.labels import find_class, read_labels
from xai_core.report import json_bytes

PAGE, METRICS = "bias.html", "metrics.json"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "table", metavar="TABLE", help="predictions as CSV, parquet or npz: y_true, y_pred, prob_<class>"
    )
    parser.add_argument(
        "--attribute",
        dest="attributes",
        metavar="NAME",
        action="append",
        default=[],
        help="a column that makes groups; two are also crossed",
    )
    parser.add_argument("--positive", metavar="CLASS", help="the class that is held against the rest between groups")
    parser.add_argument("--normalise", action="store_true", help="bring rows of probabilities to add up to 1")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the files; made where it is missing")
    add_labels(parser)
    add_flags(parser, Settings)
    add_flags(parser, Attack)


def run(args: Namespace, runner: Runner) -> None:
    """Write figures (metrics.json, CSV tables, bias.html) and predictions; print the summary, notes and paths."""
    from xai_core.bias.predictions_file import PREDICTIONS, predictions_csv
    from xai_core.bias.reading import (
        read_predictions,
    )  # fairlearn and pandas take seconds, which no other command needs
    from xai_core.bias.tables import csv_tables, metrics, page

    path = Path(args.table)
    labels = None if args.labels is None else read_labels(_bytes(args.labels, "label file"), name=args.labels)
    found = read_predictions(_bytes(args.table, "table"), path.name, labels=labels, normalise=args.normalise)
    positive = None if args.positive is None else find_class(args.positive, found.labels)
    settings = Settings.fitted(None, given(args, Settings))
    attack = Attack.fitted(None, given(args, Attack))
    values = metrics(found, list(dict.fromkeys(args.attributes)), positive, settings, attack)
    texts = csv_tables(values) | {PAGE: page([values], f"Bias of {path.name}")}
    files = {METRICS: json_bytes(values)} | {name: text.encode() for name, text in texts.items()}
    if (Path(args.out) / PREDICTIONS).resolve() != path.resolve():  # the table that was given stays as it is
        files[PREDICTIONS] = predictions_csv(found).encode()
    paths = _write(Path(args.out), files)
    print("\n".join([*_in_lines(values), *(f"Note: {note}" for note in found.notes), *map(str, paths)]))


def _bytes(text: str, what: str) -> bytes:
    try:
        return Path(text).read_bytes()
    except OSError as error:
        raise DataError(f"There is no {what} called {Path(text).name} that can be read.") from error


def _write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise DataError(f"The folder {folder.name} can not be written: {error.strerror}.") from error
    return [folder / name for name in files]


def _in_lines(values: Mapping[str, Any]) -> list[str]:
    lines = [f"{values['pictures']} pictures, {len(values['labels'])} classes"]
    for name, one in values["summary"].items():
        between = "" if one["low"] is None else f" [{one['low']:.3f}, {one['high']:.3f}]"
        lines.append(f"  {words(name):<30}{number(one['value'])}{between}")
    for name, group in values["groups"].items():
        lines += _of_groups(name, group)
        lines.append(f"Groups of {name}, the class {group['positive']} against the rest")
        lines += [f"  {words(key):<32}{number(value)}" for key, value in group["fairness"].items()]
    return lines


def _of_groups(name: str, group: Mapping[str, Any]) -> list[str]:
    lines = [f"Groups of {name}, accuracy about all classes"]
    for one in group["by_group"]:
        share, few = one["accuracy"], " (few)" if one["small"] else ""
        between = f"[{number(share['low'])}, {number(share['high'])}], {one['pictures']} pictures{few}"
        lines.append(f"  {one['group']:<32}{number(share['value'])} {between}")
    lines += [f"  {words(key):<32}{number(value)}" for key, value in group["all_classes"].items()]
    left_out = ", ".join(group["left_out"])
    return lines + ([f"  Too few pictures to be compared: {left_out}"] if left_out else [])
