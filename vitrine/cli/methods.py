"""vitrine methods: the explanation methods and filters with their parameters."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from vitrine.cli.flags import flag, in_words
from vitrine.runner import Runners
from xai_core.filter import FILTERS
from xai_core.guide import catalogue, class_in_words, in_order, needs_in_words, summary
from xai_core.method import Catalogued
from xai_core.params import Declared, Param, ShareOfSide


def add_arguments(parser: ArgumentParser) -> None:
    """Add the flag for how the list is printed."""
    parser.add_argument("--json", action="store_true", help="print a JSON list, one entry a method")


def run(args: Namespace, runners: Runners) -> None:
    """Print all methods, read from their declarations."""
    if args.json:
        print(json.dumps([_entry(method) for _, method in sorted(catalogue().items())], indent=2, ensure_ascii=False))
        return
    methods = in_order()
    for place, method in enumerate(methods):
        if place == 0 or methods[place - 1].group != method.group:
            print(f"{method.group}\n")
        _print_method(method)
    print("Filters, for --filter:")
    for method_id in sorted(FILTERS):
        print(f"{method_id}: {summary(FILTERS[method_id])}")
        _print_parameters(FILTERS[method_id])


def _print_method(method: type[Catalogued]) -> None:
    guide = method.guide
    print(f"{method.id}: {summary(method)}")
    print(f"  Question: {guide.answers}\n  When to use it: {guide.choose}\n  Limits: {guide.limits}")
    print(f"  Needs: {needs_in_words(method)}. Cost: {method.cost}. {class_in_words(method).capitalize()}.")
    print(f"  Source: {method.source}")
    _print_parameters(method)
    print()


def _print_parameters(declared: type[Declared]) -> None:
    for param in declared.params:
        print(f"  {flag(param)}: {param.help} ({in_words(param)})")


def _entry(method: type[Catalogued]) -> dict[str, Any]:
    return {
        "id": method.id,
        "title": method.title,
        "group": method.group,
        "summary": summary(method),
        "guide": asdict(method.guide),
        "class_sensitivity": method.class_sensitivity,
        "needs": [need.name for need in method.needs],
        "cost": method.cost,
        "source": method.source,
        "parameters": [_parameter(param) for param in method.params],
    }


def _parameter(param: Param) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": param.name,
        "flag": flag(param),
        "type": param.kind.__name__,
        "default": param.default,
        "help": param.help,
    }
    if param.from_model:
        entry["from_model"] = param.from_model
    if param.choices:
        entry["choices"] = list(param.choices)
    if param.range:
        high = param.range.high
        bound = {"high_as_share_of_side": high.share} if isinstance(high, ShareOfSide) else {"high": high}
        entry |= {"low": param.range.low, **bound, "step": param.range.step, "unit": param.range.unit}
    return entry
