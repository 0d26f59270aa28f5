"""Show what readers should know about each method: guide, facts, example, parameters."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from vitrine.example_pictures import example_in_words, example_of, without_example
from vitrine.ui.drawing.text import in_words, literal
from xai_core.guide import ADVICE, catalogue, class_in_words, groups_of, needs_in_words, sought, summary
from xai_core.method import Catalogued, Group
from xai_core.params import Param
from xai_core.pictures.overlays import jpeg_bytes
from xai_core.types import Task

TRIED_ON = {"classify": ("pages/explain.py", "method"), "detect": ("pages/detection.py", "methods")}
PICTURE_WIDTH = 192


def search_form(place: str, task: Task | None = None) -> list[type[Catalogued]]:
    """Show a search field and the groups to choose from; return the methods that match both.

    place: a unique key. task: the one whose methods are listed; by default all.
    """
    field, groups = st.columns([2, 3], vertical_alignment="bottom")
    text = field.text_input("Search", key=f"{place}.search", type="search", live=True, placeholder="for example: noise")
    known = groups_of(task)
    chosen: list[Group] = groups.pills("Groups", known, selection_mode="multi", key=f"{place}.groups", wrap=True)
    return sought(text or "", chosen, task)


def guide_of(method: type[Catalogued]) -> None:
    """Show the question a method answers, when to use it, and its limits."""
    guide = method.guide
    st.markdown(
        f"**Question** {literal(guide.answers, 1000)}  \n"
        f"**When to use it** {literal(guide.choose, 1000)}  \n"
        f"**Limits** {literal(guide.limits, 1000)}"
    )


def facts(method: type[Catalogued]) -> str:
    """Return needs, cost and class-sensitivity on one line of Markdown."""
    needs = literal(needs_in_words(method))
    return f"**Needs** {needs} · **Cost** {method.cost} · **{class_in_words(method).capitalize()}**"


def origin(method: type[Catalogued]) -> str:
    """Return where a method was published, on one line of Markdown."""
    return f"**Source** {literal(method.source)}"


def advice() -> None:
    """Show where to start for the chosen question."""
    questions, answers = st.columns([2, 5], gap="large")
    topic = questions.radio(
        "What do you want to know?", ADVICE, format_func=lambda option: option.question, key="advice"
    )
    for column, (method_id, why) in zip(answers.columns(3), topic.methods, strict=False):
        method = catalogue()[method_id]
        with column.container(border=True):
            _example(method)
            st.markdown(f"**{literal(method.title)}**  \n{literal(why)}")
            try_it(method)


def at_a_glance(methods: list[type[Catalogued]]) -> None:
    """Show a table of methods, sortable by any column."""
    rows = [
        {
            "method": method.title,
            "group": method.group,
            "needs": needs_in_words(method),
            "cost": method.cost.replace("`", ""),
            "class-sensitivity": method.class_sensitivity,
        }
        for method in methods
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content", alt="Methods by group, needs and cost")


def entry(method: type[Catalogued]) -> None:
    """Show everything declared about a method, with an example and a way to try it."""
    with st.container(border=True, key=f"entry-{method.id}"):
        picture, description = st.columns([1, 4], gap="medium")
        with picture:
            _example(method)
            try_it(method)
        with description:
            st.markdown(f"#### {literal(method.title)}")
            st.markdown(literal(summary(method)))
            guide_of(method)
            st.caption(f"{facts(method)}  \n{origin(method)}")
            _parameters(method)


def try_it(method: type[Catalogued]) -> None:
    """Show a link to the page where methods are run, with this method chosen."""
    page, name = TRIED_ON["detect" if method.group == "Detection" else "classify"]
    st.page_link(page, label="Try it", icon=":material/search:", query_params={name: method.id})


def _example(method: type[Catalogued]) -> None:
    path = example_of(method)
    if path is not None:
        st.image(_as_jpeg(path), alt=example_in_words(method), width=PICTURE_WIDTH)
    else:
        reason = without_example().get(method.id, "")
        st.caption(f"No example with the sample model. {literal(reason)}" if reason else "No example yet.")


@cache
def _as_jpeg(path: Path) -> bytes:
    """Return an example as Streamlit sends it; of any other kind it would make that at every run."""
    with Image.open(path) as example:
        return jpeg_bytes(np.asarray(example.convert("RGB")))


def _parameters(method: type[Catalogued]) -> None:
    if not method.params:
        return
    with st.expander("Parameters"):
        st.markdown("\n".join(_parameter(param) for param in method.params))


def _parameter(param: Param) -> str:
    values = ", ".join(param.choices)
    if param.range:
        values = param.bounds().replace(" and ", " to ")
    allowed = "; ".join(filter(None, (values, f"default {in_words(param.default) or 'none chosen'}")))
    return f"- **{literal(param.label)}** {literal(param.help)} ({literal(allowed)})"
