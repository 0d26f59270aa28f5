"""vitrine bias: where a classifier is unfair, from a table of its predictions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from vitrine.cli.flags import add_flags, given
from vitrine.cli.inputs import add_labels
from vitrine.runner import Runners
from xai_core.bias.settings import Attack, Settings
from xai_core.bias.wording import number, words


def add_arguments(parser: ArgumentParser) -> None:
    """Add the table, what makes groups, and how figures are computed."""
    parser.add_argument(
        "table", metavar="TABLE", help="predictions as CSV, parquet or npz: y_true, y_pred, prob_<class>"
    )
    parser.add_argument(
        "--attribute",
        dest="attributes",
        metavar="NAME",
        action="append",
        default=[],
        help="a column that makes groups; two are also crossed",
    )
    parser.add_argument("--positive", metavar="CLASS", help="the class that is held against the rest between groups")
    parser.add_argument("--normalise", action="store_true", help="bring rows of probabilities to add up to 1")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the files; made where it is missing")
    add_labels(parser)
    add_flags(parser, Settings)
    add_flags(parser, Attack)


def run(args: Namespace, runners: Runners) -> None:
    """Write figures (metrics.json, CSV tables, bias.html) and predictions; print the summary, notes and paths."""
    from vitrine.biases import bias  # fairlearn and pandas take seconds, which no other command needs

    found = bias(
        args.table,
        attributes=args.attributes,
        positive=args.positive,
        labels=args.labels,
        normalise=args.normalise,
        **given(args, Settings),
        **given(args, Attack),
    )
    notes = (f"Note: {note}" for note in found.notes)
    print("\n".join([*_in_lines(found.figures), *notes, *map(str, found.save(args.out))]))


def _in_lines(values: Mapping[str, Any]) -> list[str]:
    lines = [f"{values['pictures']} pictures, {len(values['labels'])} classes"]
    for name, one in values["summary"].items():
        between = "" if one["low"] is None else f" [{one['low']:.3f}, {one['high']:.3f}]"
        lines.append(f"  {words(name):<30}{number(one['value'])}{between}")
    for name, group in values["groups"].items():
        lines += _of_groups(name, group)
        lines.append(f"Groups of {name}, the class {group['positive']} against the rest")
        lines += [f"  {words(key):<32}{number(value)}" for key, value in group["fairness"].items()]
    return lines


def _of_groups(name: str, group: Mapping[str, Any]) -> list[str]:
    lines = [f"Groups of {name}, accuracy about all classes"]
    for one in group["by_group"]:
        share, few = one["accuracy"], " (few)" if one["small"] else ""
        between = f"[{number(share['low'])}, {number(share['high'])}], {one['pictures']} pictures{few}"
        lines.append(f"  {one['group']:<32}{number(share['value'])} {between}")
    lines += [f"  {words(key):<32}{number(value)}" for key, value in group["all_classes"].items()]
    left_out = ", ".join(group["left_out"])
    return lines + ([f"  Too few pictures to be compared: {left_out}"] if left_out else [])
