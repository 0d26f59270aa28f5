"""vitrine segment: the classes of the pixels of pictures."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from vitrine.cli.inputs import add_labels, add_model, add_opening, opened_segmenter, read_pictures, say_what_is_assumed
from vitrine.files import write_files
from vitrine.runner import Runners
from vitrine.segments import Segments
from xai_core.errors import ParamError
from xai_core.pictures.overlays import png_bytes

ONE_PICTURE = "A label map belongs to one picture; got {0} pictures. Run the command once for each."


def add_arguments(parser: ArgumentParser) -> None:
    """Add flags for the model, the pictures, a label map to compare with, and how the answer is printed."""
    add_model(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="pictures to segment")
    add_labels(parser)
    add_opening(parser)
    parser.add_argument(
        "--label-map", metavar="PNG", help="the true class of each pixel, as gray values or a palette; 255 is ignored"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for each picture tinted by its classes")
    parser.add_argument("--json", action="store_true", help="print a JSON list with one entry per picture")


def run(args: Namespace, runners: Runners) -> None:
    """Print the classes of each picture, the largest first; with a label map, how well they agree with it."""
    if args.label_map and len(args.images) > 1:
        raise ParamError(ONE_PICTURE.format(len(args.images)))
    pictures = read_pictures(args, args.images)
    with opened_segmenter(args, runners, pictures) as model:
        answers = [model.segment(picture) for picture in pictures]
    entries = [_entry(segments, args.label_map) for segments in answers]
    print(json.dumps(entries, indent=2, ensure_ascii=False) if args.json else "\n".join(map(_in_words, entries)))
    if args.out:
        print("\n".join(map(str, _written(args.out, answers))))
    say_what_is_assumed(model)


def _entry(segments: Segments, label_map: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"image": segments.picture.name, "classes": list(map(dict, segments.rows))}
    if label_map is None:
        return entry
    comparison = segments.compare(label_map)
    rows = list(map(dict, comparison.rows))
    agreement = {"accuracy": comparison.accuracy, "mean_iou": comparison.mean_iou, "classes": rows}
    return entry | {"label_map": agreement | {"notes": list(comparison.notes)}}


def _in_words(entry: dict[str, Any]) -> str:
    lines = [
        f"  {row['share']:6.1%}  {row['label']} ({row['index']}), mean probability {row['probability']:.1%}"
        for row in entry["classes"]
    ]
    if agreement := entry.get("label_map"):
        lines += [f"  Note: {note}" for note in agreement["notes"]]
        lines += [f"  Accuracy {agreement['accuracy']:.1%}, mean IoU {agreement['mean_iou']:.3f}"]
        lines += [f"  IoU {row['iou']:.3f}  {row['label']} ({row['index']})" for row in agreement["classes"]]
    return "\n".join([entry["image"], *lines])


def _written(folder: str, answers: list[Segments]) -> list[Path]:
    names = [f"{number:02}-{Path(each.picture.name).stem}.png" for number, each in enumerate(answers, 1)]
    return write_files(folder, {n: png_bytes(np.asarray(each.drawn())) for n, each in zip(names, answers, strict=True)})
