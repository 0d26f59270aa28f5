"""Models with several outputs: how right each is alone, and all together."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui.bias.filters import Part
from vitrine.ui.charts import COLOURS, as_rows, intervals, plain, with_interval
from xai_core.bias.heads import ENSEMBLE, head_figures
from xai_core.bias.settings import Settings


def heads(part: Part, settings: Settings) -> None:
    """Show the accuracy of each head, and of the ensemble where there are several."""
    found = part.once(("heads", settings.interval_level), lambda all_: head_figures(all_, settings.interval_level))
    if not found:
        st.info("This model has one output.", icon=":material/call_split:")
        return
    rows = [(one.accuracy, one.low, one.high) for one in found]
    texts = [f"{plain(one.name)}: {with_interval(*row)}" for one, row in zip(found, rows, strict=True)]
    names = [one.name for one in found]
    chart = go.Figure(intervals(rows, range(len(rows)), "Accuracy", COLOURS[0], texts))
    chart.update_xaxes(title="Accuracy", range=[-0.02, 1.02], zeroline=False)
    st.plotly_chart(as_rows(chart, names, row=40), key="bias.chart.heads", alt="Accuracy of each head")
    shown = {"Accuracy": [with_interval(*row) for row in rows]}
    st.table(pd.DataFrame(shown, index=names))
    st.caption(
        f"The {ENSEMBLE} is the softmax of the heads' mean logits. A head that does as well alone decides alone; one "
        f"that does worse may still help the {ENSEMBLE}. In brackets: {settings.interval_level:.0%} Wilson intervals."
    )
