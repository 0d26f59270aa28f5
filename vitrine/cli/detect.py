"""vitrine detect: the boxes that a detector finds in pictures."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from vitrine.boxes import Boxes
from vitrine.cli.flags import add_flags, flag_values
from vitrine.cli.inputs import add_detector, add_labels, add_opening, opened_detector, read_pictures
from vitrine.runner import Runners
from xai_core.detection.shown import Shown

SIDES = ("left", "top", "right", "bottom")


def add_arguments(parser: ArgumentParser) -> None:
    """Add flags for the detector, the pictures, which boxes are shown and how they are printed."""
    add_detector(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="pictures to search for objects")
    add_labels(parser)
    add_opening(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list with one entry per picture")
    add_flags(parser, Shown)


def run(args: Namespace, runners: Runners) -> None:
    """Print the boxes of each picture, best first, with the numbers to use for `explain --box`."""
    shown = Shown(**flag_values(args, Shown))
    pictures = read_pictures(args, args.images)
    with opened_detector(args, runners) as model:
        entries = [_entry(model.detect(picture, shown.threshold)) for picture in pictures]
        notes = list(model.card.notes)
    if args.json:
        whole = [entry | {"notes": notes + entry["notes"]} for entry in entries]
        print(json.dumps(whole, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*map(_note, notes), *map(_in_words, entries)]))


def box_in_words(entry: dict[str, Any]) -> str:
    """Describe a box in one line: its number, score, class and corners."""
    sides = ", ".join(f"{side} {value:.0f}" for side, value in zip(SIDES, entry["box"], strict=True))
    return f"{entry['number']:4d}  {entry['score']:6.1%}  {entry['label']} ({entry['index']}): {sides}"


def _entry(boxes: Boxes) -> dict[str, Any]:
    below = [] if len(boxes) else boxes.entries_below
    return {
        "image": boxes.picture.name,
        "size": list(boxes.picture.pixels.shape[1::-1]),
        "threshold": boxes.threshold,
        "boxes": boxes.entries,
        "below_threshold": below,
        "notes": [*boxes.picture.notes, *(() if len(boxes) else (boxes.nothing_in_words(),))],
    }


def _in_words(entry: dict[str, Any]) -> str:
    boxes = map(box_in_words, entry["boxes"] + entry["below_threshold"])
    return "\n".join([entry["image"], *map(_note, entry["notes"]), *boxes])


def _note(sentence: str) -> str:
    return f"Note: {sentence}"
