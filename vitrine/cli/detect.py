"""vitrine detect: the boxes that a detector finds in pictures."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_adapters.onnx.detection.readings import Reading
from vitrine.cli.flags import add_flags, given
from vitrine.cli.inputs import add_detector, add_labels, detector_source, opened_detector, read_pictures
from vitrine.cli.progress import follow
from xai_core.detection.pictures import image_of, shrunk
from xai_core.detection.shown import LEAST_SCORE, Shown, box_entry
from xai_core.detector import BoxTarget, Detections
from xai_core.errors import MissingCapability
from xai_core.jobs.base import Runner
from xai_core.jobs.questions.detect import Detect
from xai_core.pictures.files import Picture
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.types import Capability, Card, RawOutput

FORMS = next(param.choices for param in Reading.params if param.name == "form")
SIDES = ("left", "top", "right", "bottom")


def add_arguments(parser: ArgumentParser) -> None:
    add_detector(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="pictures to search for objects")
    add_labels(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list with one entry per picture")
    add_flags(parser, Shown)


def run(args: Namespace, runner: Runner) -> None:
    """Print the boxes of each picture, best first, with the numbers to use for `explain --box`."""
    shown = Shown(**given(args, Shown))
    pictures = read_pictures(args.images)
    with detector_source(args.model, args.architecture, args.reading) as source:
        detector = opened_detector(runner, source, args.labels)
        entries = [_entry(looked_at(runner, detector, picture), shown) for picture in pictures]
    notes = list(detector.card.notes)
    if args.json:
        with_notes = [entry | {"notes": notes + entry["notes"]} for entry in entries]
        print(json.dumps(with_notes, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*map(_note, notes), *map(_in_words, entries)]))


@dataclass(frozen=True, eq=False)
class LookedAt:
    """A picture with all detected boxes, including those below any threshold that may be chosen.

    seconds: how long the detection took.
    """

    detector: PreparedDetector
    picture: Picture
    found: Detections
    seconds: float

    @cached_property
    def seen(self) -> NDArray[np.uint8]:
        """The picture (H, W, 3) as the detector sees it."""
        return shrunk(self.picture.pixels)

    def entries(self, some: Detections, first: int = 1) -> list[dict[str, Any]]:
        """Return some of the boxes as plain JSON values, numbered from `first`."""
        sizes = self.seen.shape[:2], self.picture.pixels.shape[:2]
        targets = (BoxTarget.of(some, n) for n in range(len(some)))
        return [box_entry(first + n, target, self.detector.labels, *sizes) for n, target in enumerate(targets)]


def looked_at(runner: Runner, detector: PreparedDetector, picture: Picture) -> LookedAt:
    """Detect the boxes in a picture; MissingCapability if it is unknown how to read the outputs."""
    check_reading(detector.card)
    job = runner.ask(detector.source, Detect(image_of(shrunk(picture.pixels)), LEAST_SCORE))
    found = follow(job, picture.name)
    return LookedAt(detector, picture, found, job.state.seconds)


def check_reading(card: Card) -> None:
    """Raise MissingCapability, with the outputs and what to do, if it is unknown how to read them."""
    if Capability.DETECT not in card.capabilities:
        reason = card.missing.get("DETECT", "It is unknown how to read the outputs of this model.")
        outputs = "; ".join(map(output_in_words, card.raw_outputs))
        way = f"--reading and JSON with a form, one of {', '.join(map(repr, FORMS))}"
        raise MissingCapability(f"{reason} Its outputs: {outputs}. Specify how to read them with {way}.")


def output_in_words(output: RawOutput) -> str:
    """Return the name, the shape and the range of an output."""
    shape = " x ".join(map(str, output.shape))
    return f"{output.name} ({shape}) from {output.low:.4g} to {output.high:.4g}"


def box_in_words(entry: dict[str, Any]) -> str:
    """Return a box on one line: its number, score, class and corners."""
    sides = ", ".join(f"{side} {value:.0f}" for side, value in zip(SIDES, entry["box"], strict=True))
    return f"{entry['number']:4d}  {entry['score']:6.1%}  {entry['label']} ({entry['index']}): {sides}"


def nothing_found(shown: Shown, candidates: Sequence[dict[str, Any]]) -> str:
    """Return a message that no box is shown, and what to do."""
    sentence = f"No box has a score of at least {shown.threshold:g}"
    if not candidates:
        return f"{sentence}, or even {LEAST_SCORE:g}. Try a different picture."
    best = candidates[0]
    return f"{sentence}. The best is {best['label']} with {best['score']:.3g}; lower --threshold to include it."


def _entry(looked: LookedAt, shown: Shown) -> dict[str, Any]:
    boxes, height_width = shown.of(looked.found), looked.picture.pixels.shape[:2]
    below = [] if len(boxes) else looked.entries(shown.candidates(looked.found))
    notes = [*looked.picture.notes, *(() if len(boxes) else (nothing_found(shown, below),))]
    return {
        "image": looked.picture.name,
        "size": list(height_width[::-1]),
        "threshold": shown.threshold,
        "boxes": looked.entries(boxes),
        "below_threshold": below,
        "notes": notes,
    }


def _in_words(entry: dict[str, Any]) -> str:
    boxes = map(box_in_words, entry["boxes"] + entry["below_threshold"])
    return "\n".join([entry["image"], *map(_note, entry["notes"]), *boxes])


def _note(sentence: str) -> str:
    return f"Note: {sentence}"
