"""What a model's outputs reveal about an attribute that it should not need."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from vitrine.ui.background import answer_of
from vitrine.ui.bias.forms import KEPT
from vitrine.ui.bias.meanings import MEANING
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.charts import LIMIT, bars, readable
from vitrine.ui.drawing.text import literal
from vitrine.ui.settings.controls import declared
from xai_core.bias.inside import FOLDS, LEAKAGE, Leakage, leakage
from xai_core.bias.settings import Attack
from xai_core.wording import number

ATTACKER = {"linear": "logistic regression", "MLP": "a network with one hidden layer"}


def inside(selection: Selection) -> None:
    """Show, on request, how well an attribute can be predicted from the model's outputs."""
    offered = list(selection.attributes)
    if not offered:
        st.info("Leakage needs an attribute with at least two values among these pictures.", icon=":material/group:")
        return
    st.markdown("**Model leakage**: how well an attribute can be predicted from the model's outputs")
    choice, attacker, button = st.columns([3, 2, 1], vertical_alignment="bottom")
    name = choice.selectbox("Attribute", offered, key="bias.leaking", persist_state=KEPT)
    with attacker:
        attack = declared(Attack)
    figure_key = ("leakage", name, attack)
    if button.button("Measure", key="bias.measure", icon=":material/straighten:", width="stretch"):
        selection.begin(
            figure_key, lambda predictions, progress: leakage(predictions, name, attack=attack, progress=progress)
        )
    job = selection.begun(figure_key)
    if job is None:
        return
    doing = f"Predicting {literal(name, 40)} from {len(selection.predictions):,} outputs, in {FOLDS} folds"
    result = answer_of(job, doing, "bias.cancel-measure")
    if result is not None:
        _leakage(result, name)


def _leakage(result: Leakage, name: str) -> None:
    sources = [source for source in LEAKAGE if source != "chance"]
    titles = [LEAKAGE[source][0] for source in sources]
    chart = bars([getattr(result, source) for source in sources], titles, "Balanced accuracy")
    line = {"color": LIMIT, "width": 2}
    chart.add_vline(x=result.chance, line=line, annotation_text="chance", annotation_position="top")
    st.plotly_chart(
        readable(chart), key="bias.chart.leakage", alt="Leakage from the model's outputs and from the labels"
    )
    rows = {title: [number(getattr(result, source)), meaning] for source, (title, meaning) in LEAKAGE.items()}
    st.table(pd.DataFrame.from_dict(rows, orient="index", columns=["Leakage", MEANING]))
    left_out = f" Left out, with too few pictures: {', '.join(result.left_out)}." if result.left_out else ""
    st.caption(
        f"Balanced accuracy of predicting {literal(', '.join(result.values))} with {ATTACKER[result.attacker]}, on "
        f"pictures it was not trained on ({FOLDS} folds, {result.samples:,} pictures). Only what exceeds the labels is "
        f"the model's own leakage; {literal(name)} can also be visible in the pictures.{literal(left_out)}"
    )
