"""Write the parts of the documentation that are read from the declarations; `--check` fails where they are stale."""

from __future__ import annotations

import sys
from pathlib import Path

from xai_core import filters, methods  # noqa: F401  (registers them)
from xai_core.filter import FILTERS
from xai_core.method import METHODS, NEED_IN_WORDS, Method
from xai_core.params import Declared, Param

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- generated: {} -->", "<!-- end of generated -->"


def method_table() -> str:
    """Return the table of methods for the README."""
    rows = ["| Method | What it does | Needs | Cost | Source |", "|---|---|---|---|---|"]
    for found in sorted(METHODS.values(), key=lambda m: m.title):
        rows.append(f"| {found.title} | {_sentence(found)} | {_needs(found)} | {found.cost} | {found.source} |")
    return "\n".join(rows)


def parameter_tables() -> str:
    """Return a section for each method and filter with its parameters."""
    declared: list[type[Declared]] = sorted([*METHODS.values(), *FILTERS.values()], key=lambda d: d.title)
    return "\n\n".join(_section(d) for d in declared)


def _section(declared: type[Declared]) -> str:
    rows = [f"## {declared.title} (`{declared.id}`)", "", _sentence(declared)]
    if declared.params:
        rows += ["", "| Parameter | Default | Range | Meaning |", "|---|---|---|---|"]
        rows += [f"| `{p.name}` | {p.default} | {_range(p)} | {p.help} |" for p in declared.params]
    return "\n".join(rows)


def _range(param: Param) -> str:
    if param.choices:
        return ", ".join(param.choices)
    return param.bounds().replace(" and ", " to ") if param.range else "on or off"


def _sentence(declared: type[Declared]) -> str:
    return (declared.__doc__ or "").split("\n")[0]


def _needs(found: type[Method]) -> str:
    return ", ".join(NEED_IN_WORDS[need] for need in found.needs)


GENERATED = {"README.md": {"methods": method_table}, "docs/methods.md": {"parameters": parameter_tables}}


def filled(text: str, parts: dict[str, str]) -> str:
    """Return `text` with what stands between the marks of each part replaced."""
    for name, content in parts.items():
        before, rest = text.split(BEGIN.format(name), 1)
        _, after = rest.split(END, 1)
        text = f"{before}{BEGIN.format(name)}\n{content}\n{END}{after}"
    return text


def main() -> int:
    """Write, or with `--check` compare; return the exit code."""
    stale = []
    for name, parts in GENERATED.items():
        path = ROOT / name
        now = path.read_text("utf-8")
        wanted = filled(now, {part: make() for part, make in parts.items()})
        if now != wanted:
            stale.append(name)
        if now != wanted and "--check" not in sys.argv:
            path.write_text(wanted, "utf-8")
    if stale and "--check" in sys.argv:
        print(f"Out of date: {', '.join(stale)}. Run `make docs`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
