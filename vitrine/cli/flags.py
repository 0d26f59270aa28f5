"""Command-line flags for declared parameters, and their values."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, BooleanOptionalAction, Namespace
from typing import Any

from xai_core.params import Declared, Param


def add_flags(parser: ArgumentParser, declared: type[Declared], when: str = "") -> None:
    """Add a flag for each parameter of a method, a filter or a look; `when` is appended to the heading."""
    group = parser.add_argument_group(declared.title + when)
    for param in declared.params:
        shown: dict[str, Any] = {"dest": _key(declared, param), "default": SUPPRESS, "help": _help(param)}
        if param.kind is bool:
            group.add_argument(flag(param), action=BooleanOptionalAction, **shown)
        else:
            group.add_argument(flag(param), metavar=_metavar(param), **shown)


def flag_values(args: Namespace, declared: type[Declared]) -> dict[str, Any]:
    """Return the parameters set on the command line, by name; ParamError for a value that cannot be parsed."""
    texts = {param: getattr(args, _key(declared, param), None) for param in declared.params}
    return {p.name: t if isinstance(t, bool) else p.parse(t) for p, t in texts.items() if t is not None}


def flag(param: Param) -> str:
    """Return the flag of a parameter: its name with dashes."""
    return "--" + param.name.replace("_", "-")


def in_words(param: Param) -> str:
    """Describe the allowed values and the default of a parameter."""
    values = f"one of {', '.join(param.choices)}" if param.choices else ""
    if param.range:
        values = f"between {param.bounds()}"
    if param.kind is tuple:
        return "names separated by commas; none by default"
    shown = {True: "on", False: "off"}[param.default] if param.kind is bool else param.default
    return f"{values}; default {shown}".removeprefix("; ")


def _metavar(param: Param) -> str:
    return "NAME,NAME" if param.kind is tuple else param.kind.__name__.upper()


def _key(declared: type[Declared], param: Param) -> str:
    return f"{declared.id}.{param.name}"


def _help(param: Param) -> str:
    return f"{param.help} ({in_words(param)})".replace("%", "%%")
