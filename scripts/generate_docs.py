"""Write the documentation that is generated from the declarations; `--check` fails if it is out of date."""

from __future__ import annotations

import sys
from pathlib import Path

from vitrine.example_pictures import example_in_words, example_of, without_example
from vitrine.folders import examples_folder
from xai_core import filters, methods  # noqa: F401  (registers them)
from xai_core.bias import group_metrics as _group_metrics  # noqa: F401  (registers them)
from xai_core.bias.group_metric import comparisons, metrics_of
from xai_core.detection import methods as detection_methods  # noqa: F401  (registers them)
from xai_core.filter import FILTERS
from xai_core.guide import ADVICE, GROUPS, catalogue, class_in_words, in_order, needs_in_words, summary
from xai_core.method import Catalogued
from xai_core.params import Declared, Param

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- generated: {} -->", "<!-- end of generated -->"


def method_table() -> str:
    """Return the table of methods for the README."""
    rows = ["| Method | Group | Question it answers | Needs | Cost | Class-sensitivity |", "|---|---|---|---|---|---|"]
    for method in in_order():
        asks = (method.guide.answers, needs_in_words(method), method.cost, method.class_sensitivity)
        rows.append(f"| {' | '.join(map(_cell, (_link(method), method.group, *asks)))} |")
    return "\n".join(rows)


def advice() -> str:
    """Return where to start for each typical question."""
    return "\n\n".join(
        "\n".join(
            [
                f"**{topic.question}**",
                "",
                *(f"- {_link(catalogue()[method_id], '')}: {why}" for method_id, why in topic.methods),
            ]
        )
        for topic in ADVICE
    )


def guide() -> str:
    """Return a section for each method, by group."""
    sections = []
    for group in GROUPS:
        members = [method for method in in_order() if method.group == group]
        sections += [f"## {group}", *map(_method, members)] if members else []
    return "\n\n".join(sections)


def filter_sections() -> str:
    """Return a section for each filter."""
    by_title = sorted(FILTERS.values(), key=lambda declared: declared.title)
    return "\n\n".join(f"{_heading(entry)}\n\n{summary(entry)}{_parameters(entry)}" for entry in by_title)


def group_metric_tables() -> str:
    """Return a table of the group metrics, and one of the comparisons between groups."""
    metrics = ["| Metric | Id | Meaning | Formula | Better |", "|---|---|---|---|---|"]
    for metric in (*metrics_of("all classes"), *metrics_of("one class")):
        better = metric.direction.removesuffix(" is better").removesuffix("neither")
        cells = (metric.title, f"`{metric.id}`", metric.meaning, metric.formula, better)
        metrics.append(f"| {' | '.join(map(_cell, cells))} |")
    compared = ["| Comparison | Id | Formula | Meaning |", "|---|---|---|---|"]
    for each in comparisons():
        cells = (each.title, f"`{each.id}`", each.formula, each.meaning)
        compared.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join([*metrics, "", *compared])


def unpictured() -> list[str]:
    """Return what is wrong with the example pictures, as sentences."""
    reasons, known = without_example(), catalogue()
    faults = [
        f"{method_id} has no example."
        for method_id, method in known.items()
        if not example_of(method) and method_id not in reasons
    ]
    faults += [
        f"{path.name} belongs to no method." for path in examples_folder().glob("*.webp") if path.stem not in known
    ]
    return faults + [
        f"{method_id} in {examples_folder().name} is not a method." for method_id in reasons if method_id not in known
    ]


def _method(method: type[Catalogued]) -> str:
    guide = method.guide
    rows = [_heading(method), "", summary(method), ""]
    if example_of(method):
        rows += [f"![{example_in_words(method)}](images/methods/{method.id}.webp)", ""]
    elif reason := without_example().get(method.id):
        rows += [f"No example with the sample model: {reason}", ""]
    rows += [
        f"- **Question:** {guide.answers}",
        f"- **When to use it:** {guide.choose}",
        f"- **Limits:** {guide.limits}",
    ]
    rows += [f"- **Needs:** {needs_in_words(method)}", f"- **Cost:** {method.cost}"]
    rows += [f"- **Depends on the class:** {class_in_words(method)}", f"- **Source:** {method.source}"]
    return "\n".join(rows) + _parameters(method)


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


def _link(method: type[Catalogued], page: str = "docs/methods.md") -> str:
    return f"[{method.title}]({page}#{method.id})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


GENERATED = {
    "README.md": {"methods": method_table},
    "docs/bias.md": {"group metrics": group_metric_tables},
    "docs/methods.md": {"advice": advice, "methods": guide, "filters": filter_sections},
}


def filled(text: str, parts: dict[str, str]) -> str:
    """Return `text` with the content between the markers of each part replaced."""
    for name, content in parts.items():
        before, rest = text.split(BEGIN.format(name), 1)
        _, after = rest.split(END, 1)
        text = f"{before}{BEGIN.format(name)}\n{content}\n{END}{after}"
    return text


def stale_pages() -> dict[Path, str]:
    """Return the pages that are out of date, each with the text it should have."""
    stale = {}
    for name, parts in GENERATED.items():
        now = (ROOT / name).read_text("utf-8")
        wanted = filled(now, {part: make() for part, make in parts.items()})
        if now != wanted:
            stale[ROOT / name] = wanted
    return stale


def main() -> int:
    """Write the pages, or compare them with `--check`; return the exit code."""
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
