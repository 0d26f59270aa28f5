"""Write the parts of the documentation that are read from the declarations; `--check` fails where they are stale."""

from __future__ import annotations

import sys
from pathlib import Path

from xai_core import filters, methods  # noqa: F401  (registers them)
from xai_core.detection import methods as detection_methods  # noqa: F401  (registers them)
from xai_core.filter import FILTERS
from xai_core.guide import (
    ADVICE,
    EXAMPLES,
    GROUPS,
    catalogue,
    class_in_words,
    example_in_words,
    example_of,
    in_order,
    needs_in_words,
    summary,
    without_example,
)
from xai_core.method import Catalogued
from xai_core.params import Declared, Param

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- generated: {} -->", "<!-- end of generated -->"


def method_table() -> str:
    """Return the table of methods for the README."""
    rows = ["| Method | Group | Answers | Needs | Cost | Class-sensitivity |", "|---|---|---|---|---|---|"]
    for one in in_order():
        cells = (_link(one), one.group, one.guide.answers, needs_in_words(one), one.cost, one.class_sensitivity)
        rows.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(rows)


def advice() -> str:
    """Return what to start with for each typical question."""
    return "\n\n".join(
        "\n".join([f"**{one.question}**", "", *(f"- {_link(catalogue()[id], '')}: {why}" for id, why in one.methods)])
        for one in ADVICE
    )


def guide() -> str:
    """Return a section for each method, by group."""
    sections = []
    for group in GROUPS:
        found = [one for one in in_order() if one.group == group]
        sections += [f"## {group}", *map(_method, found)] if found else []
    return "\n\n".join(sections)


def filter_sections() -> str:
    """Return a section for each filter."""
    declared = sorted(FILTERS.values(), key=lambda one: one.title)
    return "\n\n".join(f"{_heading(one)}\n\n{summary(one)}{_parameters(one)}" for one in declared)


def unpictured() -> list[str]:
    """Return what is wrong with the example pictures, in sentences."""
    reasons, known = without_example(), catalogue()
    found = [f"{id} has no example." for id, one in known.items() if not example_of(one) and id not in reasons]
    found += [f"{path.name} shows no method." for path in EXAMPLES.glob("*.webp") if path.stem not in known]
    return found + [f"{id} in {EXAMPLES.name} is no method." for id in reasons if id not in known]


def _method(one: type[Catalogued]) -> str:
    told = one.guide
    rows = [_heading(one), "", summary(one), ""]
    if example_of(one):
        rows += [f"![{example_in_words(one)}](images/methods/{one.id}.webp)", ""]
    elif reason := without_example().get(one.id):
        rows += [f"The sample model can not be asked: {reason}", ""]
    rows += [f"- Answers: {told.answers}", f"- Choose it: {told.choose}", f"- Can not say: {told.limits}"]
    rows += [f"- Needs {needs_in_words(one)}; {class_in_words(one)}", f"- Cost: {one.cost}", f"- Source: {one.source}"]
    return "\n".join(rows) + _parameters(one)


def _heading(declared: type[Declared]) -> str:
    return f'<a id="{declared.id}"></a>\n### {declared.title} (`{declared.id}`)'


def _parameters(declared: type[Declared]) -> str:
    rows = ["\n", "| Parameter | Default | Range | Meaning |", "|---|---|---|---|"]
    for p in declared.params:
        cells = (f"`{p.name}`", p.text(p.default) or "none chosen", _range(p), p.help)
        rows.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(rows) if declared.params else ""


def _range(param: Param) -> str:
    if param.choices:
        return ", ".join(param.choices)
    if param.from_model:
        return f"the model's {param.from_model}"
    return param.bounds().replace(" and ", " to ") if param.range else "true or false"


def _link(one: type[Catalogued], page: str = "docs/methods.md") -> str:
    return f"[{one.title}]({page}#{one.id})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


GENERATED = {
    "README.md": {"methods": method_table},
    "docs/methods.md": {"advice": advice, "methods": guide, "filters": filter_sections},
}


def filled(text: str, parts: dict[str, str]) -> str:
    """Return `text` with what stands between the marks of each part replaced."""
    for name, content in parts.items():
        before, rest = text.split(BEGIN.format(name), 1)
        _, after = rest.split(END, 1)
        text = f"{before}{BEGIN.format(name)}\n{content}\n{END}{after}"
    return text


def stale_pages() -> dict[Path, str]:
    """Return the pages that differ from the declarations, with the text that they should have."""
    found = {}
    for name, parts in GENERATED.items():
        now = (ROOT / name).read_text("utf-8")
        wanted = filled(now, {part: make() for part, make in parts.items()})
        if now != wanted:
            found[ROOT / name] = wanted
    return found


def main() -> int:
    """Write, or with `--check` compare; return the exit code."""
    stale = stale_pages()
    if "--check" not in sys.argv:
        for path, text in stale.items():
            path.write_text(text, "utf-8")
        return 0
    faults = [f"{path.name} is out of date." for path in stale] + unpictured()
    if faults:
        print("\n".join([*faults, "Run `make docs`."]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
