"""What is done with an answer: its filters, and the files that it is written to."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from vitrine.cli.flags import add_flags, flag, given
from vitrine.cli.progress import follow
from xai_core.errors import DataError, ParamError
from xai_core.filter import FILTERS, Filter, filter_named
from xai_core.jobs.base import Job
from xai_core.method import Catalogued
from xai_core.params import Size
from xai_core.pictures.overlays import Look
from xai_core.report import Report, save
from xai_core.services.results_cache import RememberedJob
from xai_core.types import Estimate, Precision


def add_answer(parser: ArgumentParser) -> None:
    """Add where the files go, in which precision the answer is computed, and whether it may be a remembered one."""
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the files; made where it is missing")
    parser.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="float32",
        help="for scores and plain gradients: bfloat16 is faster and less accurate, if supported",
    )
    parser.add_argument(
        "--cache",
        action=BooleanOptionalAction,
        default=True,
        help="answer at once what was asked before; --no-cache computes it anew and keeps nothing",
    )
    parser.add_argument(
        "--filter", dest="filters", metavar="FILTER", action="append", default=[], help="one of the filters below"
    )


def add_filters_and_look(parser: ArgumentParser) -> None:
    """Add the flags of each filter, and of how a map is drawn."""
    for filter_id in sorted(FILTERS):
        add_flags(parser, FILTERS[filter_id], f", with --filter {filter_id}")
    add_flags(parser, Look, " of overlay.png")


def filters_for(args: Namespace, size: Size | None) -> tuple[Filter, ...]:
    """Build the filters that the person named, in their order; ParamError for a flag whose filter was not named."""
    for filter_id, kind in FILTERS.items():
        if filter_id not in args.filters and (values := given(args, kind)):
            flags = ", ".join(flag(p) for p in kind.params if p.name in values)
            raise ParamError(f"{flags} belongs to the filter {filter_id}; add --filter {filter_id}.")
    return tuple(
        filter_named(filter_id).fitted(size, given(args, filter_named(filter_id))) for filter_id in args.filters
    )


def answer_of(job: Job[Estimate], method: Catalogued, cost: str = "") -> Estimate:
    """Follow a method's job to its end, and say where it was answered from what is remembered."""
    estimate = follow(job, method.title, cost)
    if isinstance(job, RememberedJob):
        print("This result comes from an earlier run; --no-cache computes it again.")
    return estimate


def write(report: Report, folder: Path, targets: Iterable[str]) -> None:
    """Write the files of a report; print its targets, a line each, its notes and warnings, and the paths."""
    try:
        paths = save(report, folder)
    except OSError as error:
        raise DataError(f"The folder {folder.name} can not be written: {error.strerror}.") from error
    notes = (f"Note: {note}" for note in report.estimate.notes)
    warnings = (f"Warning: {warning}" for warning in report.warnings)
    print("\n".join([*targets, *notes, *warnings, *map(str, paths)]))
