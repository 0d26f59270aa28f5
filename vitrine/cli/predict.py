"""vitrine predict: the most probable classes of pictures."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from vitrine.cli.inputs import add_labels, add_model, add_opening, opened_classifier, read_pictures, say_what_is_assumed
from vitrine.predictions import Predictions
from vitrine.runner import Runners

TOP = 5


def add_arguments(parser: ArgumentParser) -> None:
    """Add flags for the model, the pictures and how the answer is printed."""
    add_model(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="pictures to predict")
    add_labels(parser)
    add_opening(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list with one entry per picture")


def run(args: Namespace, runners: Runners) -> None:
    """Print the most probable classes of each picture."""
    pictures = read_pictures(args, args.images)
    with opened_classifier(args, runners, pictures) as model:
        predictions = model.predict(pictures)
    entries = _entries(predictions)
    print(json.dumps(entries, indent=2, ensure_ascii=False) if args.json else "\n".join(map(_in_words, entries)))
    if predictions.warning:
        print(predictions.warning, file=sys.stderr)
    say_what_is_assumed(model)


def _entries(predictions: Predictions) -> list[dict[str, Any]]:
    """Return one entry per picture; pictures are numbered, since two may have the same name."""
    shown = min(TOP, len(predictions.labels))
    numbered = enumerate(predictions.top(TOP).rows)
    whole = [[row for _, row in rows] for _, rows in groupby(numbered, key=lambda pair: pair[0] // shown)]
    entries = [{"image": rows[0]["picture"], "top": list(map(_entry, rows))} for rows in whole]
    if not predictions.several:
        return entries
    chosen = zip(entries, predictions.predicted_classes, strict=True)
    return [entry | {"threshold": predictions.threshold, "predicted": list(classes)} for entry, classes in chosen]


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("index", "label", "probability", "value") if name in row}


def _in_words(entry: dict[str, Any]) -> str:
    lines = [f"  {_score(shown)}  {shown['label']} ({shown['index']})" for shown in entry["top"]]
    if "predicted" in entry:
        lines.append(f"  {', '.join(entry['predicted']) or 'none'} at {entry['threshold']:.0%} or more")
    return "\n".join([entry["image"], *lines])


def _score(shown: Mapping[str, Any]) -> str:
    return f"{shown['probability']:6.1%}" if "probability" in shown else f"{shown['value']:6.3g}"
