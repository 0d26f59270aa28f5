"""The pictures of a tab: uploads, the camera, samples, and which of them are explained."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from functools import cache, partial
from itertools import chain, count
from typing import Protocol

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from vitrine import samples
from vitrine.ui import frame, session
from vitrine.ui.drawing.text import literal
from vitrine.ui.picture_opening import can_be_shown_otherwise, opening_form
from xai_core.errors import ImageError
from xai_core.pictures.files import CAN_BE_REDUCED, Picture
from xai_core.pictures.formats import NAMES
from xai_core.pictures.opening import Opening
from xai_core.pictures.overlays import png_bytes
from xai_core.preprocessing import Preprocessing
from xai_core.services.parsing.questions.open_picture import OpenPicture

MOST_PICTURES = 24
ONE, SEVERAL = "detection.picture", "explain.pictures"


class Sample(Protocol):
    """A picture that comes with Vitrine."""

    @property
    def title(self) -> str: ...

    def picture(self) -> Picture: ...


def picture_tray(*, choose: bool = False) -> list[Picture]:
    """Show the ways to add pictures, and return all of them or, with `choose`, the selected ones."""
    at_hand = _tray(columns=2 if choose else 4, offered=samples.sample_photos())
    if not choose or len(at_hand) < 2:
        return at_hand
    return _chosen(at_hand)


def one_picture(offered: Sequence[Sample]) -> Picture | None:
    """Show the ways to add pictures, and a choice of one of them; None if there is none.

    offered: samples that are shown before those of classifiers.
    """
    with frame.fold("Pictures", opened=not session.workspace().pictures):
        at_hand = {picture.digest: picture for picture in _tray(2, [*offered, *samples.sample_photos()])}
    if len(at_hand) < 2:
        return next(iter(at_hand.values()), None)
    if session.value_of(ONE) not in at_hand:
        session.put(ONE, next(iter(at_hand)))
    names = {digest: picture.name for digest, picture in at_hand.items()}
    return at_hand[
        st.selectbox("Picture", names, format_func=lambda digest: names[digest], key=ONE, persist_state="session")
    ]


def show_first(picture: Picture) -> None:
    """Add a picture and select it."""
    session.workspace().pictures[picture.digest] = picture
    session.put(ONE, picture.digest)


def explain_next(pixels: NDArray[np.uint8], name: str) -> str | None:
    """Add a picture (h, w, 3) and select only it on the Explain page; return the reason if that is impossible."""
    space = session.workspace()
    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(written, "PNG")
    digest = hashlib.sha256(written.getvalue()).hexdigest()
    if digest not in space.pictures:
        _add(space, name, written.getvalue())
    if digest not in space.pictures:
        return space.complaints.pop(name, None)
    session.put(ONE, digest)
    session.put(SEVERAL, [digest])
    return None


def _tray(columns: int, offered: Sequence[Sample]) -> list[Picture]:
    space = session.workspace()
    _ways_to_add(space, columns, offered)
    for name, sentence in space.complaints.items():
        st.error(f"**{literal(name, 80)}**: {literal(sentence)}", icon=":material/block:")
        if name in space.reducible:
            key = f"reduce.{name}"
            st.button(f"Reduce {literal(name, 60)}", key=key, on_click=_reduce, args=(space, name))
    for digest in [digest for digest in space.paged if digest in space.pictures]:
        opening_form(space.pictures[digest], partial(_show_otherwise, space, digest))
    _notes(space)
    return list(space.pictures.values())


def _ways_to_add(space: session.Workspace, columns: int, offered: Sequence[Sample]) -> None:
    upload, sample, camera = st.tabs(["Upload", "Samples", "Camera"])
    with upload:
        turn = f"pictures.{space.trays_cleared}"
        files = st.file_uploader(
            f"Pictures ({', '.join(NAMES)})",
            accept_multiple_files=True,
            key=turn,
            max_upload_size=64,
        )
        for file in files or []:
            if file.file_id not in space.seen:
                space.seen.add(file.file_id)
                _add(space, file.name, file.getvalue())
    with sample:
        _samples(space, columns, offered)
    with camera:
        if st.toggle("Use the camera", key="camera.on"):
            shot = st.camera_input("Take a picture", key="camera.shot")
            if shot is not None and shot.file_id not in space.seen:
                space.seen.add(shot.file_id)
                _add(space, "camera.jpg", shot.getvalue())


def _samples(space: session.Workspace, columns: int, offered: Sequence[Sample]) -> None:
    for row in range(0, len(offered), columns):
        for place, sample in zip(st.columns(columns), offered[row : row + columns], strict=False):
            with place:
                _sample(space, sample)


def _sample(space: session.Workspace, sample: Sample) -> None:
    picture = sample.picture()
    key = f"sample.{picture.digest[:16]}"
    st.image(_thumbnail(picture), alt=sample.title, width="stretch")
    session.put(key, picture.digest in space.pictures)
    st.checkbox(sample.title, key=key, on_change=_tick, args=(key, picture))


def _tick(key: str, picture: Picture) -> None:
    if session.value_of(key):
        show_first(picture)
    else:
        session.workspace().pictures.pop(picture.digest, None)


@cache
def _thumbnail(sample: Picture) -> bytes:
    return png_bytes(Preprocessing(96, 128).view(sample.pixels, longest=256))


def _add(space: session.Workspace, name: str, data: bytes, *, reduce: bool = False) -> None:
    space.complaints.pop(name, None)
    space.reducible.pop(name, None)
    if len(space.pictures) >= MOST_PICTURES:
        space.complaints[name] = f"You can keep at most {MOST_PICTURES} pictures at a time. Remove some first."
        return
    try:
        picture = session.parser().ask(OpenPicture(data, _free_name(space, name), Opening(reduce=reduce)))
        show_first(picture)
        if can_be_shown_otherwise(picture):
            space.paged[picture.digest] = data
    except ImageError as error:
        space.complaints[name] = str(error)
        if str(error).endswith(CAN_BE_REDUCED):
            space.reducible[name] = data


def _reduce(space: session.Workspace, name: str) -> None:
    _add(space, name, space.reducible[name], reduce=True)


def _show_otherwise(space: session.Workspace, digest: str, opening: Opening) -> None:
    """Replace a picture by the same file opened differently, in its place and selected as it was."""
    picture, data = space.pictures[digest], space.paged[digest]
    try:
        page = session.parser().ask(OpenPicture(data, picture.name, opening))
    except ImageError as error:
        space.complaints[picture.name] = str(error)
        return
    space.complaints.pop(picture.name, None)
    space.paged[page.digest] = space.paged.pop(digest)
    kept = {(page.digest if each.digest == digest else each.digest): each for each in space.pictures.values()}
    space.pictures.clear()
    space.pictures.update(kept | {page.digest: page})
    if session.value_of(ONE) == digest:
        session.put(ONE, page.digest)
    if (selected := session.value_of(SEVERAL)) is not None:
        session.put(SEVERAL, [page.digest if each == digest else each for each in selected])


def _free_name(space: session.Workspace, name: str) -> str:
    taken = {picture.name for picture in space.pictures.values()}
    return next(n for n in chain([name], (f"{i} · {name}" for i in count(2))) if n not in taken)


def start_with_a_picture() -> None:
    """Take the first sample if there is no picture yet."""
    space = session.workspace()
    if not space.pictures and samples.sample_photos():
        picture = samples.sample_photos()[0].picture()
        space.pictures[picture.digest] = picture


def _notes(space: session.Workspace) -> None:
    for picture in space.pictures.values():
        if picture.notes:
            st.caption(f"{literal(picture.name, 60)}: {literal(' '.join(picture.notes), 900)}")
    if not (space.pictures or space.complaints):
        return
    with st.popover("Remove pictures"):
        for picture in space.pictures.values():
            st.button(
                literal(picture.name, 60),
                key=f"remove.{picture.digest}",
                icon=":material/delete:",
                on_click=_remove,
                args=(picture.digest,),
            )
        st.button("Remove all", key="pictures.clear", on_click=_clear)


def _remove(digest: str) -> None:
    session.workspace().pictures.pop(digest, None)
    session.workspace().paged.pop(digest, None)


def _clear() -> None:
    space = session.workspace()
    space.pictures.clear()
    space.complaints.clear()
    space.reducible.clear()
    space.paged.clear()
    space.trays_cleared += 1


def _chosen(at_hand: list[Picture]) -> list[Picture]:
    names = {p.digest: p.name for p in at_hand}
    known = session.value_of(SEVERAL)
    if known is None or not set(known) <= set(names):
        session.put(SEVERAL, [digest for digest in known or () if digest in names] or list(names)[:1])
    picked = st.multiselect(
        "Explain these pictures",
        list(names),
        format_func=lambda digest: names.get(digest, "?"),
        key=SEVERAL,
        persist_state="session",
    )
    return [p for p in at_hand if p.digest in picked]
