"""What a model's answers tell of an attribute that it should not need."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from vitrine.ui.background import answer_of
from vitrine.ui.bias.filters import KEPT, Part, values_of
from vitrine.ui.charts import LIMIT, bars
from vitrine.ui.controls import declared
from vitrine.ui.text import literal
from xai_core.bias.inside import FOLDS, Leakage, leakage
from xai_core.bias.settings import Attack
from xai_core.bias.wording import number, words

BY = {"linear": "logistic regression", "MLP": "a network with a hidden layer"}
MEANINGS = {
    "model": "From the probabilities: what the model's answers tell of the attribute.",
    "predictions": "From the predicted class alone.",
    "labels": "From the true class alone: as much lies in the data, and is no fault of the model's.",
    "chance": "What somebody reaches who knows nothing.",
}


def inside(part: Part) -> None:
    """Show how well an attribute can be told from what the model says, once that is asked for."""
    offered = [name for name, values in part.once("values", values_of).items() if len(values) > 1]
    if not offered:
        st.info("Leakage needs an attribute with two values among the pictures.", icon=":material/group:")
        return
    st.markdown("**Model leakage**: how well an attribute can be told from what the model says")
    choice, by, button = st.columns([3, 2, 1], vertical_alignment="bottom")
    name = choice.selectbox("Attribute", offered, key="bias.leaking", persist_state=KEPT)
    with by:
        attack = declared(Attack)
    what = ("leakage", name, attack)
    if button.button("Measure", key="bias.measure", icon=":material/straighten:", width="stretch"):
        part.begin(what, lambda found, tell: leakage(found, name, attack=attack, tell=tell))
    job = part.begun(what)
    if job is None:
        return
    doing = f"Learning to tell {literal(name, 40)} from {len(part.found):,} answers, {FOLDS} times"
    found = answer_of(job, doing, "bias.cancel-measure")
    if found is not None:
        _leakage(found, name)


def _leakage(found: Leakage, name: str) -> None:
    told = [one for one in MEANINGS if one != "chance"]
    chart = bars([getattr(found, one) for one in told], list(map(words, told)), "Balanced accuracy")
    line = {"color": LIMIT, "width": 2}
    chart.add_vline(x=found.chance, line=line, annotation_text="chance", annotation_position="top")
    st.plotly_chart(chart, key="bias.chart.leakage", alt="Leakage from the model's answers beside that of the labels")
    rows = {words(one): [number(getattr(found, one)), meaning] for one, meaning in MEANINGS.items()}
    st.table(pd.DataFrame.from_dict(rows, orient="index", columns=["Leakage", "What it says"]))
    left_out = f" Left out, as too few: {', '.join(found.left_out)}." if found.left_out else ""
    st.caption(
        f"Balanced accuracy of telling {literal(', '.join(found.values))} apart by {BY[found.attacker]}, on pictures "
        f"that it has not learnt from ({FOLDS} folds, {found.samples:,} pictures). Only what the model tells beyond "
        f"the labels is its own; {literal(name)} may also be in what the pictures show.{literal(left_out)}"
    )
