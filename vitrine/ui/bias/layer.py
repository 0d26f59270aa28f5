"""What a layer of the model holds of an attribute, and whether it looks elsewhere for one group."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from vitrine.ui import session
from vitrine.ui.background import answer_of
from vitrine.ui.bias.filters import KEPT, Part, values_of
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.text import literal, percent
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.bias.attribution_means import MeanMap
from xai_core.bias.groups import UNKNOWN
from xai_core.bias.picture_set import PictureSet
from xai_core.bias.wording import number
from xai_core.guide import reason_against
from xai_core.method import METHODS
from xai_core.pictures.overlays import Look, heat_map
from xai_core.services.bias_inside import MOST_MAPS, MOST_PICTURES, LayerBias, layer_bias, mean_looks
from xai_core.services.preparation import Prepared
from xai_core.types import Capability

SURE = 2
LOOKING = ("grad_cam", "saliency", "occlusion")  # quick enough to be asked of many pictures
PROBING = f"Asking the layer about up to {MOST_PICTURES} pictures"
EXPLAINING = f"Explaining up to {2 * MOST_MAPS} pictures"
NEEDED = (
    "Concept probes and mean maps ask the model itself: bring it on the Model page, and a set of pictures with an "
    "attribute here."
)


def layer(part: Part) -> None:
    """Show probes of a layer and mean maps of two groups, where the model and its pictures are at hand."""
    prepared = session.slot(ClassifierSlot).prepared
    known = {name: [v for v in values if v != UNKNOWN] for name, values in part.once("values", values_of).items()}
    offered = {name: values for name, values in known.items() if len(values) > 1}
    pictures = part.held.pictures
    if prepared is None or pictures is None or not offered:
        st.info(NEEDED, icon=":material/model_training:")
        return
    columns = st.columns(3)
    name = columns[0].selectbox("Attribute to compare", list(offered), key="bias.probed", persist_state=KEPT)
    one = columns[1].selectbox("Value", offered[name], key=f"bias.one.{name}")
    other = columns[2].selectbox("With", [v for v in offered[name] if v != one], key=f"bias.other.{name}")
    st.caption(f"The model that is asked is the one that is open: {literal(prepared.source.name, 80)}.")
    _probes(part, prepared, pictures, name, (one, other))
    _looks(part, prepared, pictures, name, (one, other))


def _probes(part: Part, prepared: Prepared, pictures: PictureSet, name: str, values: tuple[str, str]) -> None:
    st.markdown("**Concept probes**: whether a layer's classes point along the attribute")
    if Capability.ACTIVATIONS not in prepared.card.capabilities:
        reason = prepared.card.missing.get("ACTIVATIONS", "this model does not support it.")
        st.info(f"Probes need the values inside the network; {literal(reason)}", icon=":material/block:")
        return
    layers = [one.name for one in prepared.card.layers]
    choice, button = st.columns([3, 1], vertical_alignment="bottom")
    chosen = choice.selectbox("Layer", layers, len(layers) - 1, key=f"bias.layer.{prepared.source.digest[:12]}")
    what = ("probes", prepared.source, name, values, chosen)
    if button.button("Probe", key="bias.probe", icon=":material/biotech:", width="stretch"):
        asked = partial(layer_bias, session.runner(), prepared, pictures)
        part.begin(what, lambda found, tell: asked(found, chosen, name, values, tell=tell))
    job = part.begun(what)
    if job is not None and (found := answer_of(job, PROBING, "bias.cancel-probe")):
        _layer_bias(found, part.found.labels)


def _layer_bias(found: LayerBias, labels: tuple[str, ...]) -> None:
    rows = {
        "Class": [literal(label, 40) for label in labels],
        "Projection bias": [number(one) for one in found.projection],
        "Sensitivity bias": [number(one) for one in found.sensitivity],
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.caption(
        f"Projection bias is the cosine of a class's direction in the layer with that from {literal(found.values[1])} "
        f"to {literal(found.values[0])} (mean size {number(found.projection_size)}); sensitivity bias is how far a "
        f"step along it raises the class (mean size {number(found.sensitivity_size)}). 0 is none. From "
        f"{found.samples} pictures. Small values do not prove that the model is fair: see the groups."
    )


def _looks(part: Part, prepared: Prepared, pictures: PictureSet, name: str, values: tuple[str, str]) -> None:
    st.markdown("**Mean maps**: whether the model looks elsewhere for one group")
    able = [one for one in LOOKING if one in METHODS and not reason_against(METHODS[one], prepared.card)]
    choice, button = st.columns([3, 1], vertical_alignment="bottom")
    chosen = choice.selectbox(
        "Method of the maps", able, format_func=lambda one: METHODS[one].title, key="bias.looking"
    )
    what = ("looks", prepared.source, name, values, chosen)
    if button.button("Explain", key="bias.look", icon=":material/search:", width="stretch"):
        size = (prepared.preprocessing.height, prepared.preprocessing.width)
        method = METHODS[chosen].suited(prepared.card, size)
        asked = partial(mean_looks, session.runner(), prepared, pictures)
        part.begin(what, lambda found, tell: asked(found, method, name, values, tell=tell))
    job = part.begun(what)
    if job is not None and (found := answer_of(job, EXPLAINING, "bias.cancel-look")):
        _mean_maps(found, values)


def _mean_maps(found: tuple[MeanMap, MeanMap, MeanMap], values: tuple[str, str]) -> None:
    titles = (*values, f"{values[0]} less {values[1]}")
    for place, mean, title in zip(st.columns(3), found, titles, strict=True):
        shown = literal(title, 60)
        place.image(heat_map(mean.mean, Look()), alt=f"Mean map of {title[:60]}", caption=shown, width="stretch")
    counts = " and ".join(str(mean.samples) for mean in found[:2])
    st.caption(
        f"Means over {counts} pictures of the predicted class, each map divided by its sum so that all count alike; "
        f"pictures are not aligned, so this tells of places in the frame. {_beyond_chance(found[2])}"
    )


def _beyond_chance(apart: MeanMap) -> str:
    if apart.standard_error is None:
        return ""
    share = float((np.abs(apart.mean) > SURE * apart.standard_error).mean())
    return (
        f"In {percent(share)} of the places the difference is more than {SURE} times its standard error; by chance "
        "alone it would be in about 5%."
    )
