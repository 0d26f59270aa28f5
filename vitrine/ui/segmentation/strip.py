"""The classes of each picture's pixels: tinted, with a legend, and compared with a label map."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.drawing.encoded import jpeg
from vitrine.ui.drawing.text import literal, percent
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.jobs.base import Job
from xai_core.jobs.questions.segment import Segment
from xai_core.pictures.files import Picture
from xai_core.pictures.label_maps import MAX_BYTES
from xai_core.segmentation.drawing import colour_of, is_background, tinted
from xai_core.segmentation.overlap import compare
from xai_core.segmentation.segments import Segmentation
from xai_core.services.parsing.questions.read_label_map import ReadLabelMap
from xai_core.services.preparation import Prepared

COLUMNS = 3
MOST_LISTED = 8
LABEL_MAP = "A PNG with the class number of each pixel, as gray values or a palette; pixels with 255 are ignored."
SWATCH = 16  # pixels


def segmentation_strip(prepared: Prepared, pictures: Sequence[Picture]) -> None:
    """Show each picture as the model sees it, tinted by the classes of its pixels, with a legend."""
    for picture in pictures:
        if not picture.suits(prepared.preprocessing):
            frame.warn(picture.why_unsuited(prepared.preprocessing))
    pictures = [picture for picture in pictures if picture.suits(prepared.preprocessing)]
    for first in range(0, len(pictures), COLUMNS):
        for column, picture in zip(st.columns(COLUMNS), pictures[first : first + COLUMNS], strict=False):
            with column, st.container(border=True):
                _segmented(prepared, picture)


def segmentation_of(prepared: Prepared, picture: Picture) -> Segmentation:
    """Return the classes of a picture's pixels; the model is asked once."""
    slot, way = session.slot(ClassifierSlot), prepared.preprocessing
    key = (prepared.source, way, picture.digest)
    if key not in slot.segmentations or slot.segmentations[key].state.error is not None:
        slot.segmentations[key] = session.ask(prepared.source, Segment(way, picture.placed(way)))
    return waited_for(slot.segmentations[key])


def waited_for(job: Job[Segmentation]) -> Segmentation:
    """Return a job's answer; say what it waits for. If the page reruns, the next run waits for the same job."""
    place = st.empty()
    while not job.wait(0.1).ended:
        if time.monotonic() - job.submitted > 0.5:
            place.info(f"{(job.state.doing or 'labelling the pixels').capitalize()} …", icon=":material/hourglass_top:")
    place.empty()
    return job.result()


def _segmented(prepared: Prepared, picture: Picture) -> None:
    found = segmentation_of(prepared, picture)
    seen = session.workspace().seen_part(picture, prepared.preprocessing)
    names = ", ".join(prepared.labels[segment.index] for segment in found.segments)
    st.image(jpeg(tinted(seen, found.classes, prepared.labels)), alt=f"{picture.name}: {names}", width="stretch")
    st.caption(literal(picture.name, 60))
    _legend(prepared, found)
    with st.expander("Compare with a label map"):
        _comparison(prepared, picture, found)


def _legend(prepared: Prepared, found: Segmentation) -> None:
    """List the classes with their colours, shares of the pixels and mean probabilities."""
    with st.container(gap="xsmall"):
        for segment in found.segments[:MOST_LISTED]:
            colour, words = st.columns([1, 14], vertical_alignment="center", gap="small")
            name = prepared.labels[segment.index]
            if not is_background(name):
                patch = np.full((SWATCH, SWATCH, 3), colour_of(segment.index), np.uint8)
                colour.image(jpeg(patch), alt=f"the colour of {name}", width=SWATCH)
            share, sure = percent(segment.share), percent(segment.probability)
            words.markdown(f"**{literal(name, 40)}** · {share} of the pixels, mean probability {sure}")
    hidden = len(found.segments) - MOST_LISTED
    if hidden > 0:
        st.caption(f"and {hidden} more")


def _comparison(prepared: Prepared, picture: Picture, found: Segmentation) -> None:
    st.caption(LABEL_MAP)
    key = f"label-map.{prepared.source.digest[:12]}.{picture.digest[:12]}"
    file = st.file_uploader("Label map", key=key, label_visibility="collapsed", max_upload_size=MAX_BYTES >> 20)
    if file is None:
        return
    with frame.errors_in_words():
        label_map = session.parser().ask(ReadLabelMap(file.getvalue()))
        size = picture.pixels.shape[0], picture.pixels.shape[1]
        overlap = compare(found.classes, label_map, prepared.labels, prepared.preprocessing, size)
        st.markdown(f"Mean IoU **{overlap.mean_iou:.3f}** · accuracy **{percent(overlap.accuracy)}**")
        for note in overlap.notes:
            st.caption(literal(note, 400))
        there = [each for each in overlap.classes if each.iou is not None]
        names = [literal(prepared.labels[each.index], 40) for each in there]  # two classes may have the same
        rows = [[f"{each.iou:.3f}", percent(each.true_share)] for each in there]
        st.table(pd.DataFrame(rows, names, ["IoU", "true pixels"]))
