"""vitrine explain: one explanation as attribution.npy, overlay.png and manifest.json."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from vitrine.cli import explain_boxes
from vitrine.cli.answer_files import add_answer, add_filters_and_look, answer_of, filters_for, write
from vitrine.cli.flags import add_flags, given
from vitrine.cli.inputs import add_labels, add_model, model_source, prepared, read_pictures
from vitrine.cli.predict import probabilities
from xai_core.detection.method import DETECTION_METHODS
from xai_core.guide import catalogue, summary
from xai_core.jobs.base import Runner
from xai_core.jobs.questions.explain import Explain
from xai_core.labels import find_class
from xai_core.method import METHODS
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look
from xai_core.report import Explanation
from xai_core.services.preparation import Prepared
from xai_core.types import Conditions, Floats, Indices


def add_arguments(parser: ArgumentParser) -> None:
    """Add one parser a method, each with the flags of that method."""
    commands = parser.add_subparsers(dest="method", metavar="METHOD", required=True)
    for method_id, method in sorted(catalogue().items()):
        one = commands.add_parser(method_id, help=summary(method), description=summary(method), allow_abbrev=False)
        if method_id in DETECTION_METHODS:
            explain_boxes.add_inputs(one)
        else:
            _add_inputs(one)
        add_answer(one)
        add_flags(one, method)
        add_filters_and_look(one)


def run(args: Namespace, runner: Runner) -> None:
    """Explain a picture's class or a box in it, and write the files; what was given is checked first."""
    catalogue()[args.method](**given(args, catalogue()[args.method]))
    filters_for(args, None)
    look = Look(**given(args, Look))
    picture = read_pictures([args.image])[0]
    if args.method in DETECTION_METHODS:
        explain_boxes.run(args, runner, picture, look)
        return
    with model_source(args.model, args.architecture) as source:
        found = prepared(runner, source, [picture], args.preprocessing, args.labels)
        explanation = _explained(args, runner, found, picture, look)
    write(explanation, Path(args.out), _targets_in_words(explanation))


def _add_inputs(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("image", metavar="IMAGE", help="the picture to explain")
    parser.add_argument("--target", metavar="N", action="append", help="class by number or name; default the predicted")
    add_labels(parser)


def _explained(args: Namespace, runner: Runner, found: Prepared, picture: Picture, look: Look) -> Explanation:
    chosen, way = METHODS[args.method], found.preprocessing
    chosen.check_model(found.card)
    size = (way.height, way.width)
    method, filters = chosen.suited(found.card, size, given(args, chosen)), filters_for(args, size)
    method.check_choices(found.card)
    row = probabilities(runner, found, [picture])[0]
    targets = _targets(args.target, found.labels, row)
    question = Explain(way, method, way.place(picture.pixels), targets, Conditions(args.precision))
    job = runner.ask(found.source, question)
    estimate = answer_of(job, method)
    return Explanation(
        source=found.source,
        card=found.card,
        preprocessing=way,
        labels=found.labels,
        picture=picture,
        method=method,
        targets=targets,
        probabilities=row,
        estimate=estimate,
        seconds=job.state.seconds,
        precision=args.precision,
        filters=filters,
        look=look,
    )


def _targets(texts: list[str] | None, labels: tuple[str, ...], row: Floats) -> Indices:
    if not texts:
        return np.array([row.argmax()], np.int64)
    return np.array([find_class(text, labels) for text in texts], np.int64)


def _targets_in_words(explanation: Explanation) -> list[str]:
    labels, chances = explanation.labels, explanation.probabilities
    return [f"{labels[target]} ({target}): {chances[target]:.1%}" for target in explanation.targets]
