"""vitrine explain: one explanation as attribution.npy, overlay.png and manifest.json."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from pathlib import Path
from typing import get_args

import numpy as np

from vitrine_cli.flags import add_flags, flag, given
from vitrine_cli.inputs import add_model, model_source, prepared, read_pictures
from vitrine_cli.predict import probabilities
from vitrine_cli.progress import follow
from xai_core.errors import DataError, ParamError
from xai_core.filter import FILTERS, Filter, filter_named
from xai_core.guide import summary
from xai_core.jobs.base import Runner
from xai_core.labels import find_class
from xai_core.method import METHODS
from xai_core.params import Size
from xai_core.picture_files import Picture
from xai_core.pictures import Look
from xai_core.preparation import Prepared
from xai_core.report import Explanation, save
from xai_core.results_cache import RememberedJob
from xai_core.types import Conditions, Floats, Indices, Precision


def add_arguments(parser: ArgumentParser) -> None:
    """Add one parser a method, each with the flags of that method."""
    commands = parser.add_subparsers(dest="method", metavar="METHOD", required=True)
    for id in sorted(METHODS):
        one = commands.add_parser(id, help=summary(METHODS[id]), description=summary(METHODS[id]), allow_abbrev=False)
        _add_inputs(one)
        add_flags(one, METHODS[id])
        for filter_id in sorted(FILTERS):
            add_flags(one, FILTERS[filter_id], f", with --filter {filter_id}")
        add_flags(one, Look, " of overlay.png")


def run(args: Namespace, runner: Runner) -> None:
    """Explain a picture's class and write the files; the parameters are checked before the model is asked."""
    METHODS[args.method](**given(args, METHODS[args.method]))
    filters_for(args, None)
    look = Look(**given(args, Look))
    picture = read_pictures([args.image])[0]
    with model_source(args.model, args.architecture) as source:
        found = prepared(runner, source, [picture], args.preprocessing, args.labels)
        explanation = _explained(args, runner, found, picture, look)
    _write(explanation, Path(args.out))


def filters_for(args: Namespace, size: Size | None) -> tuple[Filter, ...]:
    """Build the filters that the person named, in their order; ParamError for a flag whose filter was not named."""
    for id, kind in FILTERS.items():
        if id not in args.filters and (values := given(args, kind)):
            flags = ", ".join(flag(p) for p in kind.params if p.name in values)
            raise ParamError(f"{flags} belongs to the filter {id}; add --filter {id}.")
    return tuple(filter_named(id).fitted(size, given(args, filter_named(id))) for id in args.filters)


def _add_inputs(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("image", metavar="IMAGE", help="the picture to explain")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the files; made where it is missing")
    parser.add_argument("--target", metavar="N", action="append", help="class by number or name; default the predicted")
    parser.add_argument("--labels", metavar="FILE", help="names of the classes: txt, json or csv")
    parser.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="float32",
        help="of scores and plain gradients: bfloat16 is faster and less exact, where the machine has it",
    )
    parser.add_argument(
        "--cache",
        action=BooleanOptionalAction,
        default=True,
        help="answer at once what was asked before; --no-cache computes it anew and keeps nothing",
    )
    parser.add_argument(
        "--filter", dest="filters", metavar="FILTER", action="append", default=[], help="one of those below"
    )


def _explained(args: Namespace, runner: Runner, found: Prepared, picture: Picture, look: Look) -> Explanation:
    chosen, way = METHODS[args.method], found.preprocessing
    chosen.check_model(found.card)
    size = (way.height, way.width)
    method, filters = chosen.suited(found.card, size, given(args, chosen)), filters_for(args, size)
    method.check_choices(found.card)
    row = probabilities(runner, found, [picture])[0]
    targets = _targets(args.target, found.labels, row)
    conditions = Conditions(args.precision)
    job = runner.explain(found.source, way, method, way.place(picture.pixels), targets, conditions)
    estimate = follow(job)
    if isinstance(job, RememberedJob):
        print("This was remembered from an earlier run; --no-cache computes it anew.")
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


def _write(explanation: Explanation, folder: Path) -> None:
    try:
        paths = save(explanation, folder)
    except OSError as error:
        raise DataError(f"The folder {folder.name} can not be written: {error.strerror}.") from error
    for target in explanation.targets:
        print(f"{explanation.labels[target]} ({target}): {explanation.probabilities[target]:.1%}")
    for note in explanation.estimate.notes:
        print(f"Note: {note}")
    for warning in explanation.warnings:
        print(f"Warning: {warning}")
    print("\n".join(map(str, paths)))
