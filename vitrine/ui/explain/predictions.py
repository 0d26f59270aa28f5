"""The predictions for each picture, computed once and shown as bars."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.drawing.charts import readable
from vitrine.ui.drawing.encoded import jpeg
from vitrine.ui.drawing.text import literal, percent
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.jobs.base import Job
from xai_core.jobs.questions.predict import Predict
from xai_core.pictures.files import Picture
from xai_core.scores import has_probabilities, predicted, shown_score
from xai_core.services.preparation import Prepared
from xai_core.trust.honesty import all_alike
from xai_core.types import Floats

TOP = 5
COLUMNS = 4


def probabilities(prepared: Prepared, pictures: Sequence[Picture]) -> dict[str, Floats]:
    """Return the probabilities (K,) by picture digest; the model is asked about new pictures only.

    Where outputs are numbers or similarities, these.
    """
    slot = session.slot(ClassifierSlot)
    model = (prepared.source, prepared.preprocessing, tuple(each.digest for each in prepared.references))
    new = [p for p in pictures if (*model, p.digest) not in slot.scores]
    if new:
        images = np.stack([p.placed(prepared.preprocessing) for p in new])
        score, references = shown_score(prepared.card), prepared.reference_images()
        question = Predict(prepared.preprocessing, images, score, references=references)
        rows = _waited_for(session.ask(prepared.source, question))
        slot.scores |= {(*model, p.digest): row for p, row in zip(new, rows, strict=True)}
    return {p.digest: slot.scores[(*model, p.digest)] for p in pictures}


def prediction_strip(prepared: Prepared, pictures: Sequence[Picture]) -> None:
    """Show each picture as the model sees it, with bars for its most probable classes."""
    if prepared.card.head == "similarity":
        st.info("This model gives embeddings. Choose a reference picture under Outputs.", icon=":material/image:")
        return
    unseen = [picture for picture in pictures if not picture.suits(prepared.preprocessing)]
    for picture in unseen:
        frame.warn(picture.why_unsuited(prepared.preprocessing))
    pictures = [picture for picture in pictures if picture not in unseen]
    rows = probabilities(prepared, pictures)
    if warning := all_alike([rows[picture.digest] for picture in pictures], prepared.labels, prepared.card):
        frame.warn(warning)
    for first in range(0, len(pictures), COLUMNS):
        for column, picture in zip(st.columns(COLUMNS), pictures[first : first + COLUMNS], strict=False):
            with column, st.container(border=True):
                _prediction(prepared, picture, rows[picture.digest])


def top(probabilities: Floats, most: int = TOP) -> list[int]:
    """Return the most probable classes, best first; ties go to the lower index."""
    return [int(i) for i in np.argsort(-probabilities, kind="stable")[:most]]


def _prediction(prepared: Prepared, picture: Picture, row: Floats) -> None:
    seen = session.workspace().seen_part(picture, prepared.preprocessing)
    st.image(jpeg(seen), alt=picture.name, width="stretch")
    best = top(row)
    st.markdown(_headline(prepared, row))
    st.caption(literal(picture.name, 60))
    st.plotly_chart(
        readable(_bars(prepared, row, best)), key=f"bars.{picture.digest}", config={"displayModeBar": False}
    )


def _headline(prepared: Prepared, row: Floats) -> str:
    """Return the predicted class with its score, or all of them where several may be right."""
    chosen = predicted(row, prepared.card, prepared.threshold)
    if not chosen:
        return f"No class reaches {percent(prepared.threshold)}"
    shown = [f"**{literal(prepared.labels[n], 60)}** · {_score(prepared, row[n])}" for n in chosen[:TOP]]
    return ", ".join(shown) + (f" and {len(chosen) - TOP} more" if len(chosen) > TOP else "")


def _score(prepared: Prepared, value: float) -> str:
    return percent(float(value)) if has_probabilities(prepared.card) else f"{float(value):.3g}"


def _bars(prepared: Prepared, row: Floats, best: list[int]) -> go.Figure:
    names = [prepared.labels[i] for i in best]
    short = [n if len(n) <= 22 else n[:21] + "…" for n in names]
    figure = go.Figure(
        go.Bar(
            x=_lengths(prepared, row[best]),
            y=list(range(len(best))),
            orientation="h",
            marker_color="rgb(11,110,143)",
            text=[f"{s}  {_score(prepared, row[i])}".replace("<", "&lt;") for s, i in zip(short, best, strict=True)],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_yaxes(autorange="reversed", visible=False)
    figure.update_xaxes(range=[0, 1.9], visible=False)
    figure.update_layout(height=26 * len(best) + 12, margin={"l": 2, "r": 2, "t": 4, "b": 4}, bargap=0.35)
    return figure


def _lengths(prepared: Prepared, values: Floats) -> list[float]:
    """Return the lengths of bars, 0 to 1: probabilities, or shares of the largest number."""
    if has_probabilities(prepared.card):
        return [float(value) for value in values]
    return [float(value) for value in np.abs(values) / max(float(np.abs(values).max()), 1e-12)]


def _waited_for(job: Job[Floats]) -> Floats:
    place = st.empty()
    try:
        while not job.wait(0.1).ended:
            if time.monotonic() - job.submitted > 0.5:
                place.info(f"{(job.state.doing or 'asking the model').capitalize()} …", icon=":material/hourglass_top:")
    finally:  # a rerun of the page ends this one and asks again
        job.cancel()
    place.empty()
    return job.result()
