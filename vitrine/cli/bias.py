"""vitrine bias: where a classifier is unfair, from a table of its predictions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from vitrine.cli.columns import add_columns, chosen_columns, with_flags
from vitrine.cli.flags import add_flags, flag_values
from vitrine.cli.inputs import add_labels
from vitrine.runner import Runners
from xai_core.bias.repairs import Repairs
from xai_core.bias.settings import Attack, Settings
from xai_core.errors import DataError
from xai_core.wording import number

Values = dict[str, Any]


def add_arguments(parser: ArgumentParser) -> None:
    """Add flags for the table, the groups, and how figures are computed."""
    parser.add_argument(
        "table", metavar="TABLE", help="predictions as CSV, xlsx, JSON, parquet or npz: y_true, y_pred, prob_<class>"
    )
    parser.add_argument(
        "--attribute",
        dest="attributes",
        metavar="NAME",
        action="append",
        default=[],
        help="a column whose groups are compared; give it twice to cross two",
    )
    parser.add_argument("--positive", metavar="CLASS", help="the class whose rates are compared, against the rest")
    add_columns(parser)
    parser.add_argument("--normalise", action="store_true", help="scale rows of probabilities to add up to 1")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the files; created if missing")
    add_labels(parser)
    add_flags(parser, Repairs)
    add_flags(parser, Settings)
    add_flags(parser, Attack)


def run(args: Namespace, runners: Runners) -> None:
    """Write figures (metrics.json, CSV tables, bias.html) and predictions; print the summary, notes and paths."""
    from vitrine.biases import UnclearTable, bias  # pandas takes a second to import; no other command needs it

    try:
        result = bias(
            args.table,
            attributes=args.attributes,
            positive=args.positive,
            labels=args.labels,
            normalise=args.normalise,
            columns=chosen_columns(args),
            **flag_values(args, Repairs),
            **flag_values(args, Settings),
            **flag_values(args, Attack),
        )
    except UnclearTable as error:
        raise DataError(with_flags(error)) from error
    notes = (f"Note: {note}" for note in result.notes)
    print("\n".join([*_in_lines(result.figures), *notes, *map(str, result.save(args.out))]))


def _in_lines(values: Mapping[str, Any]) -> list[str]:
    from xai_core.bias.summary import SUMMARY_METRICS

    lines = [f"{values['pictures']:,} pictures, {len(values['labels'])} classes"]
    lines += [f"  {metric.title:<32}{_with_interval(values['summary'][metric.id])}" for metric in SUMMARY_METRICS]
    for name, group in values["groups"].items():
        lines += _accuracies(name, group)
        lines += _rates(name, group)
    return lines


def _accuracies(name: str, group: Values) -> list[str]:
    from xai_core.bias.group_metric import class_comparisons, comparisons

    lines = [f"Groups of {name}, accuracy over all classes"]
    for row in group["by_group"]:
        small = " (small)" if row["small"] else ""
        lines.append(f"  {row['group']:<32}{_with_interval(row['accuracy'])}, {row['pictures']:,} pictures{small}")
    declared = [(each.title, each.id) for each in comparisons("all classes")]
    declared += [(each.title, each.id) for _, each in class_comparisons()]
    lines += [f"  {title:<32}{number(group['all_classes'][key])}" for title, key in declared]
    left_out = ", ".join(group["left_out"])
    lines += [f"  Too few pictures to be compared: {left_out}"] if left_out else []
    missing = ", ".join(group["missing"])
    return lines + ([f"  Without a value, so not compared (see --compare-missing): {missing}"] if missing else [])


def _rates(name: str, group: Values) -> list[str]:
    from xai_core.bias.group_metric import comparisons

    lines = [f"Groups of {name}, the class {group['positive']} against the rest"]
    declared = [each for each in comparisons("one class") if each.id in group["fairness"]]
    lines += [f"  {each.title:<32}{number(group['fairness'][each.id])}" for each in declared]
    return [*lines, f"  {'Four-fifths rule holds':<32}{number(group['fairness']['four_fifths_rule_holds'])}"]


def _with_interval(rate: Mapping[str, Any]) -> str:
    between = "" if rate["low"] is None else f" [{number(rate['low'])}, {number(rate['high'])}]"
    return number(rate["value"]) + between
