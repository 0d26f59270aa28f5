"""vitrine explain with a method for boxes: why a detector drew a box in a picture."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from pathlib import Path

from vitrine.cli.answer_files import answer_of, filters_for, write
from vitrine.cli.detect import LookedAt, box_in_words, check_reading, looked_at, nothing_found
from vitrine.cli.flags import add_flags, given
from vitrine.cli.inputs import add_detector, add_labels, detector_source, opened_detector
from xai_core.detection.cost import Cost
from xai_core.detection.method import DETECTION_METHODS
from xai_core.detection.pictures import image_of, map_size
from xai_core.detection.report import BoxExplanation
from xai_core.detection.shown import Shown
from xai_core.detector import BoxTarget
from xai_core.errors import ParamError
from xai_core.jobs.base import Runner
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look
from xai_core.types import Conditions


def add_inputs(parser: ArgumentParser) -> None:
    """Add the detector, the picture, and the boxes to explain."""
    add_detector(parser)
    parser.add_argument("image", metavar="IMAGE", help="the picture with the boxes to explain")
    parser.add_argument(
        "--box",
        metavar="N",
        dest="boxes",
        action="append",
        default=[],
        help="number of a box as listed by vitrine detect, counted from 1, best first; default the best",
    )
    parser.add_argument(
        "--inside",
        action=BooleanOptionalAction,
        default=False,
        help="show each map only inside its box, rescaled to 0..1 there",
    )
    add_labels(parser)
    add_flags(parser, Shown)


def run(args: Namespace, runner: Runner, picture: Picture, look: Look) -> None:
    """Explain boxes of a picture and write the files; numbers are checked before the model runs."""
    shown, wanted = Shown(**given(args, Shown)), [_number(text) for text in args.boxes]
    chosen = DETECTION_METHODS[args.method]
    with detector_source(args.model, args.architecture, args.reading) as source:
        detector = opened_detector(runner, source, args.labels)
        check_reading(detector.card)
        chosen.check_model(detector.card)
        explanation = _explained(args, runner, looked_at(runner, detector, picture), shown, wanted, look)
    write(explanation, Path(args.out), map(box_in_words, explanation.entries))


def _explained(
    args: Namespace, runner: Runner, looked: LookedAt, shown: Shown, wanted: list[int], look: Look
) -> BoxExplanation:
    chosen, card, image = DETECTION_METHODS[args.method], looked.detector.card, image_of(looked.seen)
    method = chosen.suited(card, image.shape[:2], given(args, chosen))
    method.check_choices(card)
    filters = filters_for(args, map_size(image))
    numbers = _existing(wanted, looked, shown)
    targets = tuple(BoxTarget.of(looked.found, number - 1) for number in numbers)
    question = ExplainBoxes(method, image, targets, Conditions(args.precision))
    job = runner.ask(looked.detector.source, question)
    estimate = answer_of(job, method, Cost.of(method, looked.seen.shape[:2], looked.seconds).in_words)
    return BoxExplanation(
        source=looked.detector.source,
        card=card,
        labels=looked.detector.labels,
        picture=looked.picture,
        method=method,
        targets=targets,
        numbers=numbers,
        estimate=estimate,
        seconds=job.state.seconds,
        precision=args.precision,
        filters=filters,
        look=look,
        inside=args.inside,
    )


def _number(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise ParamError(f"A box number must be a whole number from 1, as listed by vitrine detect; got {text!r}.")
    return int(text)


def _existing(wanted: list[int], looked: LookedAt, shown: Shown) -> tuple[int, ...]:
    """Return the numbers of the boxes to explain, each once; ParamError for a box that is not shown."""
    count = len(shown.of(looked.found))
    if count == 0:
        raise ParamError(nothing_found(shown, looked.entries(shown.candidates(looked.found))))
    for number in wanted:
        if number > count:
            there_is = "box 1 has" if count == 1 else f"boxes 1 to {count} have"
            raise ParamError(
                f"There is no box {number}: {there_is} a score of at least {shown.threshold:g}. "
                "Choose one of these, or lower --threshold."
            )
    return tuple(dict.fromkeys(wanted)) or (1,)
