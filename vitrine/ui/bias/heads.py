"""Models with several outputs: the accuracy of each head, and of their ensemble."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.charts import COLOURS, as_rows, intervals, plain, readable, with_interval
from xai_core.bias.heads import ENSEMBLE


def heads(selection: Selection) -> None:
    """Show the accuracy of each head, and of the ensemble if there are several."""
    figures = selection.heads()
    if not figures:
        st.info("This model has one output.", icon=":material/call_split:")
        return
    names = [head.name for head in figures]
    rows = [(head.accuracy, head.low, head.high) for head in figures]
    texts = [f"{plain(name)}: {with_interval(*row)}" for name, row in zip(names, rows, strict=True)]
    chart = go.Figure(intervals(rows, range(len(rows)), "Accuracy", COLOURS[0], texts))
    chart.update_xaxes(title="Accuracy", range=[-0.02, 1.02], zeroline=False)
    st.plotly_chart(readable(as_rows(chart, names, row=40)), key="bias.chart.heads", alt="Accuracy of each head")
    st.table(pd.DataFrame({"Accuracy": [with_interval(*row) for row in rows]}, index=names))
    st.caption(
        f"The {ENSEMBLE} is the softmax of the heads' mean logits. If one head alone matches the {ENSEMBLE}, it makes "
        f"the decision; a weaker head can still improve the {ENSEMBLE}. In brackets: "
        f"{selection.settings.interval_level:.0%} Wilson intervals."
    )
