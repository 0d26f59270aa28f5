"""vitrine predict: the most probable classes of pictures."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np

from vitrine.cli.inputs import add_labels, add_model, model_source, prepared, read_pictures
from vitrine.cli.progress import follow
from xai_core.jobs.base import Runner
from xai_core.pictures.files import Picture
from xai_core.services import asking
from xai_core.services.preparation import Prepared
from xai_core.types import Floats

TOP = 5


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="pictures to predict")
    add_labels(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list with one entry per picture")


def run(args: Namespace, runner: Runner) -> None:
    """Print the most probable classes of each picture."""
    pictures = read_pictures(args.images)
    with model_source(args.model, args.architecture) as source:
        found = prepared(runner, source, pictures, args.preprocessing, args.labels)
        rows = probabilities(runner, found, pictures)
    entries = [_entry(picture, row, found.labels) for picture, row in zip(pictures, rows, strict=True)]
    print(json.dumps(entries, indent=2, ensure_ascii=False) if args.json else "\n".join(map(_in_words, entries)))


def probabilities(runner: Runner, found: Prepared, pictures: Sequence[Picture]) -> Floats:
    """Return the probabilities of all classes, (N, K)."""
    images = (found.preprocessing.place(picture.pixels) for picture in pictures)
    return asking.probabilities(runner, found.source, found.preprocessing, images, follow)


def _entry(picture: Picture, row: Floats, labels: Sequence[str]) -> dict[str, Any]:
    best = np.argsort(-row, kind="stable")[:TOP]
    top = [{"index": int(n), "label": labels[n], "probability": float(row[n])} for n in best]
    return {"image": picture.name, "top": top}


def _in_words(entry: dict[str, Any]) -> str:
    lines = [f"  {t['probability']:6.1%}  {t['label']} ({t['index']})" for t in entry["top"]]
    return "\n".join([entry["image"], *lines])
