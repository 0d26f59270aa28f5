"""The flags for the answer, and what is printed about its files."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from vitrine.cli.flags import add_flags, flag, flag_values
from vitrine.explanation import Explanation
from xai_core.errors import ParamError
from xai_core.filter import FILTERS, filter_named
from xai_core.pictures.overlays import Look
from xai_core.types import Precision

REMEMBERED = "This result comes from an earlier run; --no-cache computes it again."


def add_answer(parser: ArgumentParser) -> None:
    """Add flags for where the files go, the precision, and whether a cached answer will do."""
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the files; created if missing")
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
        help="return a remembered answer to the same question; --no-cache computes it again and stores nothing",
    )
    parser.add_argument(
        "--filter", dest="filters", metavar="FILTER", action="append", default=[], help="one of the filters below"
    )


def add_filters_and_look(parser: ArgumentParser) -> None:
    """Add the flags of each filter, and those for how a map is drawn."""
    for filter_id in sorted(FILTERS):
        add_flags(parser, FILTERS[filter_id], f", with --filter {filter_id}")
    add_flags(parser, Look, " of overlay.png")


def filters_of(args: Namespace) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the filters by name with their values, in command-line order.

    Raises ParamError for a value out of range, or for a flag whose filter was not named.
    """
    for filter_id, kind in FILTERS.items():
        if filter_id not in args.filters and (values := flag_values(args, kind)):
            flags = ", ".join(flag(p) for p in kind.params if p.name in values)
            raise ParamError(f"{flags} belongs to the filter {filter_id}; add --filter {filter_id}.")
    chosen: list[tuple[str, Mapping[str, Any]]] = [
        (filter_id, flag_values(args, filter_named(filter_id))) for filter_id in args.filters
    ]
    for filter_id, wanted in chosen:
        filter_named(filter_id).fitted(None, wanted)
    return chosen


def write(explanation: Explanation, folder: str, targets: Iterable[str]) -> None:
    """Write the files of an explanation; print its targets, one per line, its notes and warnings, and the paths."""
    if explanation.remembered:
        print(REMEMBERED)
    paths = explanation.save(folder)
    notes = (f"Note: {note}" for note in explanation.report.estimate.notes)
    warnings = (f"Warning: {warning}" for warning in explanation.report.warnings)
    print("\n".join([*targets, *notes, *warnings, *map(str, paths)]))
