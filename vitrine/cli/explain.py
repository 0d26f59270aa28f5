"""vitrine explain: explain the class of a picture or region, or a box, and write the result to files."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from typing import Any

from vitrine.cli.answer_files import add_answer, add_filters_and_look, filters_of, write
from vitrine.cli.detect import box_in_words
from vitrine.cli.flags import add_flags, flag_values
from vitrine.cli.inputs import (
    add_detector,
    add_labels,
    add_model,
    add_opening,
    opened_detector,
    opened_of_classes,
    read_pictures,
    say_what_is_assumed,
)
from vitrine.detector import wanted_boxes
from vitrine.explanation import Explanation
from vitrine.regions import wanted_region
from vitrine.runner import Runners
from xai_core.detection.method import DETECTION_METHODS
from xai_core.detection.report import BoxExplanation
from xai_core.detection.shown import Shown
from xai_core.errors import ParamError
from xai_core.guide import catalogue, summary
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look
from xai_core.scores import in_words


def add_arguments(parser: ArgumentParser) -> None:
    """Add one parser per method, each with the flags of that method."""
    commands = parser.add_subparsers(dest="method", metavar="METHOD", required=True)
    for method_id, method in sorted(catalogue().items()):
        command = commands.add_parser(method_id, help=summary(method), description=summary(method), allow_abbrev=False)
        (_add_box_inputs if method_id in DETECTION_METHODS else _add_inputs)(command)
        add_opening(command)
        add_answer(command)
        add_flags(command, method)
        add_filters_and_look(command)


def run(args: Namespace, runners: Runners) -> None:
    """Explain a picture's class or boxes in it, and write the files; all flags are checked first."""
    parameters = flag_values(args, catalogue()[args.method])
    catalogue()[args.method](**parameters)
    request = {
        "filters": filters_of(args),
        "look": Look(**flag_values(args, Look)),
        "precision": args.precision,
        "cache": args.cache,
        **parameters,
    }
    picture = read_pictures(args, [args.image])[0]
    if args.method in DETECTION_METHODS:
        explanation = _of_boxes(args, runners, picture, request)
    else:
        with opened_of_classes(args, runners, [picture]) as model:
            region = {} if args.region is None else {"region": wanted_region(args.region)}
            question = {"target": args.target, "channel": args.channel, **region}
            explanation = model.explain(args.method, picture, **question, **request)
    write(explanation, args.out, _targets_in_words(explanation))
    if args.method not in DETECTION_METHODS:
        say_what_is_assumed(model)


def _of_boxes(args: Namespace, runners: Runners, picture: Picture, request: dict[str, Any]) -> Explanation:
    shown = Shown(**flag_values(args, Shown))
    numbers = wanted_boxes([_number(text) for text in args.boxes])
    with opened_detector(args, runners) as model:
        where = {"box": numbers, "threshold": shown.threshold, "inside": args.inside}
        return model.explain(args.method, picture, **where, **request)


def _add_inputs(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("image", metavar="IMAGE", help="the picture to explain")
    parser.add_argument(
        "--target", metavar="N", action="append", help="class by number or name; by default the predicted one"
    )
    parser.add_argument(
        "--region",
        metavar="R",
        help="for a segmentation network: predicted (the default), picture, a pixel X,Y, a box LEFT,TOP,RIGHT,BOTTOM, "
        'a polygon "X,Y X,Y X,Y", or a PNG as large as the picture that is black outside',
    )
    parser.add_argument(
        "--channel",
        metavar="N",
        type=int,
        help="explain only this channel, counted from 1, and keep the others unchanged; by default all channels",
    )
    add_labels(parser)


def _add_box_inputs(parser: ArgumentParser) -> None:
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


def _number(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise ParamError(f"A box number must be a whole number from 1, as listed by vitrine detect; got {text!r}.")
    return int(text)


def _targets_in_words(explanation: Explanation) -> list[str]:
    if isinstance(explanation.report, BoxExplanation):
        return list(map(box_in_words, explanation.report.entries))
    pairs = zip(explanation.targets, explanation.scores, strict=True)
    return [f"{target}: {in_words(score, explanation.report.card)}" for target, score in pairs]
