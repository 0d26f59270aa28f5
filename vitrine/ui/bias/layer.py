"""What a layer of the model encodes about an attribute, and whether the model looks elsewhere for one group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from vitrine.ui import session
from vitrine.ui.background import answer_of
from vitrine.ui.bias.forms import KEPT
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.text import literal, percent
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.bias.attribution_means import MeanMap
from xai_core.bias.groups import UNKNOWN
from xai_core.bias.predictions import Predictions
from xai_core.guide import reason_against
from xai_core.method import METHODS
from xai_core.pictures.overlays import Look, heat_map
from xai_core.services.bias_inside import (
    MOST_MAPS,
    MOST_PICTURES,
    Contrast,
    LayerBias,
    Subject,
    layer_bias,
    mean_looks,
)
from xai_core.services.preparation import Prepared
from xai_core.types import Capability
from xai_core.wording import number

STANDARD_ERRORS = 2
LOOKING = ("grad_cam", "saliency", "occlusion")  # fast enough for many pictures
PROBING = f"Running up to {MOST_PICTURES} pictures through the layer"
EXPLAINING = f"Explaining up to {2 * MOST_MAPS} pictures"
NEEDED = (
    "Concept probes and mean maps run the model itself: open it on the Model page, and upload a set of pictures with "
    "an attribute here."
)
OF_ONE_LABEL = (
    "Concept probes and mean maps need a model that predicts one class per picture. To see which parts of a picture "
    "support this label, explain it on the Explain page."
)


def layer(selection: Selection) -> None:
    """Show probes of a layer and mean maps of two groups, if the model and its pictures are available."""
    prepared = session.slot(ClassifierSlot).prepared
    known = {name: [v for v in values if v != UNKNOWN] for name, values in selection.attributes.items()}
    offered = {name: values for name, values in known.items() if len(values) > 1}
    if prepared is None or prepared.card.task == "segment" or selection.held.pictures is None or not offered:
        st.info(NEEDED, icon=":material/model_training:")
        return
    if selection.held.of_one_label:
        st.info(OF_ONE_LABEL, icon=":material/info:")
        return
    contrast = _contrast(offered)
    st.caption(f"These run the open model, {literal(prepared.source.name, 80)}.")
    _probes(selection, prepared, contrast)
    _looks(selection, prepared, contrast)


def _contrast(offered: dict[str, list[str]]) -> Contrast:
    """Show a choice of an attribute and two of its values, and return it."""
    columns = st.columns(3)
    name = columns[0].selectbox("Attribute to compare", list(offered), key="bias.probed", persist_state=KEPT)
    value = columns[1].selectbox("Value", offered[name], key=f"bias.one.{name}")
    others = [each for each in offered[name] if each != value]
    reference = columns[2].selectbox("Compared with", others, key=f"bias.other.{name}")
    return Contrast(name, (value, reference))


def _subject(selection: Selection, prepared: Prepared, predictions: Predictions) -> Subject:
    assert selection.held.pictures is not None
    return Subject(session.runner(), prepared, selection.held.pictures, predictions)


def _probes(selection: Selection, prepared: Prepared, contrast: Contrast) -> None:
    st.markdown("**Concept probes**: whether a layer's class directions point along the attribute")
    if Capability.ACTIVATIONS not in prepared.card.capabilities:
        reason = prepared.card.missing.get("ACTIVATIONS", "this model does not support it.")
        st.info(f"Probes need the activations of a layer; {literal(reason)}", icon=":material/block:")
        return
    layers = [each.name for each in prepared.card.layers]
    choice, button = st.columns([3, 1], vertical_alignment="bottom")
    chosen = choice.selectbox("Layer", layers, len(layers) - 1, key=f"bias.layer.{prepared.source.digest[:12]}")
    figure_key = ("probes", prepared.source, contrast, chosen)
    if button.button("Probe", key="bias.probe", icon=":material/biotech:", width="stretch"):
        subject = _subject(selection, prepared, selection.predictions)
        selection.begin(figure_key, lambda _, progress: layer_bias(subject, chosen, contrast, progress=progress))
    job = selection.begun(figure_key)
    if job is not None and (result := answer_of(job, PROBING, "bias.cancel-probe")):
        _layer_bias(result, selection.predictions.labels)


def _layer_bias(result: LayerBias, labels: tuple[str, ...]) -> None:
    rows = {
        "Class": [literal(label, 40) for label in labels],
        "Projection bias": list(map(number, result.projection)),
        "Sensitivity bias": list(map(number, result.sensitivity)),
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    value, reference = map(literal, result.values)
    st.caption(
        f"Projection bias: cosine between a class's direction in the layer and the direction from {reference} to "
        f"{value} (mean size {number(result.projection_size)}). Sensitivity bias: how much a step along that direction "
        f"raises the class (mean size {number(result.sensitivity_size)}). 0 means none. From {result.samples:,} "
        "pictures. Small values do not prove that the model is fair; see the Groups tab."
    )


def _looks(selection: Selection, prepared: Prepared, contrast: Contrast) -> None:
    st.markdown("**Mean maps**: whether the model looks elsewhere for one group")
    usable = [m for m in LOOKING if m in METHODS and not reason_against(METHODS[m], prepared.card)]
    choice, button = st.columns([3, 1], vertical_alignment="bottom")
    chosen = choice.selectbox("Method", usable, format_func=lambda method: METHODS[method].title, key="bias.looking")
    figure_key = ("looks", prepared.source, contrast, chosen)
    if button.button("Explain", key="bias.look", icon=":material/search:", width="stretch"):
        size = (prepared.preprocessing.height, prepared.preprocessing.width)
        method, subject = (
            METHODS[chosen].suited(prepared.card, size),
            _subject(selection, prepared, selection.predictions),
        )
        selection.begin(figure_key, lambda _, progress: mean_looks(subject, method, contrast, progress=progress))
    job = selection.begun(figure_key)
    if job is not None and (maps := answer_of(job, EXPLAINING, "bias.cancel-look")):
        _mean_maps(maps, contrast.values)


def _mean_maps(maps: tuple[MeanMap, MeanMap, MeanMap], values: tuple[str, str]) -> None:
    titles = (*values, f"{values[0]} minus {values[1]}")
    for place, mean, title in zip(st.columns(3), maps, titles, strict=True):
        caption = literal(title, 60)
        place.image(heat_map(mean.mean, Look()), alt=f"Mean map of {title[:60]}", caption=caption, width="stretch")
    counts = " and ".join(str(mean.samples) for mean in maps[:2])
    st.caption(
        f"Means over {counts} pictures, of the predicted class. Each map is divided by its sum, so that all have equal "
        f"weight. Pictures are not aligned, so the means show positions in the frame. {_beyond_chance(maps[2])}"
    )


def _beyond_chance(difference: MeanMap) -> str:
    if difference.standard_error is None:
        return ""
    share = float((np.abs(difference.mean) > STANDARD_ERRORS * difference.standard_error).mean())
    return (
        f"In {percent(share)} of the pixels the difference exceeds {STANDARD_ERRORS} standard errors; chance alone "
        "would give about 5%."
    )
