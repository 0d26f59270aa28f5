"""One page of HTML with all figures: tables and small bars, no scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from xai_core.bias.groups import FOUR_FIFTHS, RATES
from xai_core.bias.settings import NOTHING
from xai_core.bias.summary import MEANINGS
from xai_core.bias.wording import UNDEFINED, number, words

WIDTH, HEIGHT = 120, 10  # pixels of a bar
STYLE = """
:root { color-scheme: light dark; --line: #8885; --bar: #3b74c9; --faint: #8883; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; display: block; overflow-x: auto; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.words { text-align: left !important; white-space: normal; min-width: 20rem; }
rect.whole { fill: var(--faint); } rect.part { fill: var(--bar); }
line { stroke: currentColor; stroke-width: 1.5; } line.limit { stroke-dasharray: 2 2; }
p.note { color: GrayText; }
"""
CLASS_COLUMNS = (*("samples", "predicted", "precision", "f1", "auroc", "separation_ratio", "representation_ratio"),)


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Cell = Markup | str | float | None


def page(models: Sequence[Mapping[str, Any]], title: str = "Bias") -> str:
    """Return a page about one model or several side by side, each as `metrics` found it."""
    parts = [heading(1, title), overview(models)]
    for one in models:
        parts += [
            heading(2, one["name"]),
            notes(one["notes"]),
            classes(one),
            mistakes(one),
            all_groups(one),
            heads(one),
        ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body>{''.join(parts)}</body></html>\n"
    )


def overview(models: Sequence[Mapping[str, Any]]) -> Markup:
    """Return the summaries of all models, side by side, and what each figure means."""
    level = f"{models[0]['settings']['interval_level']:.0%}" if models else ""
    rows: list[list[Cell]] = [["Pictures", *(one["pictures"] for one in models), ""]]
    for name, meaning in MEANINGS.items():
        values = [one["summary"][name] for one in models]
        rows.append([words(name), *(Markup(_with_interval(value)) for value in values), meaning])
    return Markup(
        heading(2, "Overview")
        + paragraph(f"In brackets: {level} intervals from {_bootstrap_samples(models)}.")
        + table(["", *(one["name"] for one in models), "What it says"], rows)
    )


def classes(one: Mapping[str, Any]) -> Markup:
    """Return the table of all classes."""
    rows: list[list[Cell]] = [
        [row["label"], shown(row["recall"]), *(row[name] for name in CLASS_COLUMNS)] for row in one["classes"]
    ]
    never = one["never_predicted"]
    warning = paragraph(f"Never predicted: {', '.join(never)}. That alone raises the degree of bias.") if never else ""
    head = ["Class", "Recall", *map(words, CLASS_COLUMNS)]
    return Markup(heading(3, "Classes") + warning + table(head, rows))


def mistakes(one: Mapping[str, Any]) -> Markup:
    """Return the most mispredicted classes with what they were taken for, the top pairs, and the calibration."""
    labels, worst = one["labels"], one["most_mispredicted"]
    places = {label: n for n, label in enumerate(labels)}
    whole = len(worst) == len(labels)
    rows: list[list[Cell]] = []
    for label in worst:
        counts = one["confusion"][places[label]]
        own = [counts[places[other]] for other in worst]
        rows.append([label, *own, *([] if whole else [sum(counts) - sum(own)])])
    pairs = [[pair["actual"], pair["predicted"], pair["count"], pair["rate"]] for pair in one["top_confusions"]]
    found = heading(3, "Most mispredicted") + table(
        ["True class \\ predicted class", *worst, *([] if whole else ["other"])], rows
    )
    found += table(["True class", "Predicted class", "Pictures", "Share of the class"], pairs) if pairs else ""
    return Markup(found + _calibration(one["calibration"]))


def all_groups(one: Mapping[str, Any]) -> Markup:
    """Return what differs between groups, for every attribute."""
    found = "".join(_groups(name, group, one["leakage"].get(name)) for name, group in one["groups"].items())
    return Markup(heading(3, "Groups") + found if found else "")


def heads(one: Mapping[str, Any]) -> Markup:
    """Return the accuracy of each head; nothing where there are none."""
    if not one["heads"]:
        return Markup()
    rows: list[list[Cell]] = [
        [head["name"], shown(head["accuracy"], head["low"], head["high"]), head["low"], head["high"]]
        for head in one["heads"]
    ]
    return Markup(heading(3, "Heads") + table(["Head", "Accuracy", "From", "To"], rows))


def _groups(name: str, group: Mapping[str, Any], leak: Mapping[str, Any] | None) -> str:
    found = heading(4, f"{name}: accuracy about all classes") + _accuracies(group["by_group"])
    found += _left_out(group["left_out"])
    every = [[words(key), value] for key, value in group["all_classes"].items()]
    found += table(["Between groups, all classes", ""], every)
    found += heading(4, f"{name}: rates for the class {group['positive']} against the rest")
    found += _rates(group["by_group"])
    found += table(["Between groups, this class", ""], [[words(key), v] for key, v in group["fairness"].items()])
    found += _left_out(group["left_out"])
    for rate, names in group["undefined"].items():
        found += paragraph(f"{words(rate)} is {UNDEFINED} for {', '.join(names)}, and so is what compares it.")
    found += paragraph(f"Disparate impact below {FOUR_FIFTHS:g} counts as adverse (four-fifths rule).")
    return found + _gaps(group) + (_leakage(leak) if leak else "")


def _accuracies(groups: Sequence[Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [
        [_named(one), one["pictures"], Markup(f"{bar(**one['accuracy'])} {_with_interval(one['accuracy'])}")]
        for one in groups
    ]
    return table(["Group", "Pictures", "Accuracy"], rows)


def _rates(groups: Sequence[Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [[_named(one), one["pictures"], *(shown(**one[rate]) for rate in RATES)] for one in groups]
    return table(["Group", "Pictures", *map(words, RATES)], rows)


def _named(group: Mapping[str, Any]) -> str:
    return str(group["group"]) + (" (few)" if group["small"] else "")


def _left_out(names: Sequence[str]) -> str:
    return paragraph(f"Too few pictures to be compared: {', '.join(names)}.") if names else ""


def _gaps(group: Mapping[str, Any]) -> str:
    names = list(group["class_gaps"][0]["recalls"]) if group["class_gaps"] else []
    rows: list[list[Cell]] = [
        [
            one["label"],
            shown(one["opportunity_discrepancy"]),
            shown(one["disparate_impact"], limit=FOUR_FIFTHS),
            *(one["recalls"][name] for name in names),
        ]
        for one in group["class_gaps"]
    ]
    head = ["Class", "Opportunity discrepancy", "Disparate impact", *(f"Recall of {name}" for name in names)]
    return table(head, rows)


def _leakage(leak: Mapping[str, Any]) -> str:
    names = ("model", "predictions", "labels", "chance")
    rows: list[list[Cell]] = [[words(name), shown(leak[name])] for name in names]
    return table([f"Leakage: how well the attribute can be told from ({leak['attacker']} attacker)", ""], rows)


def _calibration(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    rows: list[list[Cell]] = [
        [
            f"{one['low']:.3f} to {one['high']:.3f}",
            one["samples"],
            one["confidence"],
            shown(one["accuracy"]),
        ]
        for one in found["bins"]
        if one["samples"]
    ]
    error = paragraph(f"Expected calibration error: {number(found['error'])}.")
    return heading(3, "Calibration") + error + table(["Confidence", "Pictures", "Mean", "Accuracy"], rows)


def heading(rank: int, text: str) -> str:
    return f"<h{rank}>{escape(text)}</h{rank}>"


def paragraph(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def notes(found: Iterable[str]) -> str:
    return "".join(map(paragraph, found))


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table; texts are escaped, numbers rounded, None is "n/a"."""
    whole = list(rows)
    wide = {n for row in whole for n, one in enumerate(row) if _is_long(one)}
    names = "".join(f"<th{_kind(n in wide)}>{escape(one)}</th>" for n, one in enumerate(head))
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in whole)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"


def shown(
    value: float | None, low: float | None = None, high: float | None = None, limit: float | None = None
) -> Markup:
    """Return a share of 0 to 1 as a bar and a number; "n/a" where it is not defined."""
    return Markup(f"{bar(value, low, high, limit)} {number(value)}")


def bar(value: float | None, low: float | None = None, high: float | None = None, limit: float | None = None) -> Markup:
    """Return a share of 0 to 1 as a bar, with lines for its interval and a limit; nothing where it is not defined."""
    if value is None:
        return Markup()
    lines = ""
    if low is not None and high is not None:
        middle = HEIGHT / 2
        lines = f'<line x1="{WIDTH * low:.1f}" x2="{WIDTH * high:.1f}" y1="{middle}" y2="{middle}"/>'
    if limit is not None:
        lines += f'<line class="limit" x1="{WIDTH * limit:.1f}" x2="{WIDTH * limit:.1f}" y1="0" y2="{HEIGHT}"/>'
    part = WIDTH * min(1.0, max(0.0, value))
    return Markup(
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{value:.3f}">'
        f'<rect class="whole" width="{WIDTH}" height="{HEIGHT}"/>'
        f'<rect class="part" width="{part:.1f}" height="{HEIGHT}"/>{lines}</svg>'
    )


def _cell(value: Cell) -> str:
    if isinstance(value, Markup):
        return f"<td>{value}</td>"
    if isinstance(value, str):
        return f"<td{_kind(_is_long(value))}>{escape(value)}</td>"
    return f"<td>{number(value)}</td>"


def _is_long(value: Cell) -> bool:
    return isinstance(value, str) and not isinstance(value, Markup) and len(value) > 40


def _kind(long: bool) -> str:
    return ' class="words"' if long else ""


def _with_interval(value: Mapping[str, Any]) -> str:
    between = "" if value["low"] is None else f" [{number(value['low'])}, {number(value['high'])}]"
    return escape(number(value["value"]) + between)


def _bootstrap_samples(models: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({_drawn(one["settings"]) for one in models}))


def _drawn(settings: Mapping[str, Any]) -> str:
    by = settings["stratify_by"]
    return f"{settings['bootstrap_samples']} bootstrap samples" + ("" if by == NOTHING else f" stratified by {by}")
