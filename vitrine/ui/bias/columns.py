"""Choose what the columns of an uploaded table mean, and see what it gives before it is opened."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitrine.ui import frame, session
from vitrine.ui.drawing.text import literal
from vitrine.ui.slots.bias import BiasSlot, Table
from xai_core.bias.columns import PICTURE, PREDICTED_CLASS, PROBABILITY, TRUE_CLASS
from xai_core.bias.proposal import Proposal, Rows
from xai_core.bias.repairs import Repairs
from xai_core.errors import DataError
from xai_core.services.parsing.questions.propose_columns import ProposeColumns
from xai_core.services.parsing.questions.read_predictions import ReadPredictions
from xai_core.wording import number, some

MOST_CLASSES = 12  # whose columns can be chosen one by one
NONE = "(none)"
Roles = dict[str, str]


def columns_form(slot: BiasSlot) -> bool:
    """Show how the last table may be read, with a preview; return whether there is something to choose."""
    table, proposal = slot.table, slot.proposal
    if table is None or proposal is None:
        return False
    with st.container(border=True):
        st.subheader(f"How should “{literal(table.name, 60)}” be read?", anchor=False)
        if proposal.fault or not proposal.repairs.percent:  # percentages alone are explained below
            frame.warn(slot.fault or "")
        if not (proposal.is_as_documented and _one_click(slot, table, proposal)):
            _form(slot, table, proposal)
        st.button("Cancel", key="bias.columns.cancel", on_click=_forget, args=(slot,))
    return True


def _one_click(slot: BiasSlot, table: Table, proposal: Proposal) -> bool:
    """Offer what makes a table with documented names readable; return whether that is all it needs."""
    if proposal.repairs.percent:
        return False
    wanted = Repairs(leave_out_rows=proposal.unusable > 0, reconcile_names=bool(proposal.spellings))
    repaired = replace(proposal, repairs=wanted)
    if wanted == Repairs() or _tried(table, repaired).fault:
        return False
    _doubts(proposal)
    rows = "1 row" if proposal.unusable == 1 else f"{proposal.unusable:,} rows"
    parts = [f"leave out {rows}"] * wanted.leave_out_rows + ["reconcile class names"] * wanted.reconcile_names
    label = " and ".join(parts)
    if st.button(label[:1].upper() + label[1:], key="bias.repair", type="primary"):
        _open(slot, table, repaired)
    return True


def _form(slot: BiasSlot, table: Table, proposal: Proposal) -> None:
    """Show a choice for every role and repair, and what they give; a change is tried at once."""
    classes, predictions = st.columns(2)
    truth = _column(classes, "True class", proposal, TRUE_CLASS, f"{table.number}")
    if truth is not None and truth != proposal.roles.get(TRUE_CLASS):
        proposal = _tried(table, replace(proposal, roles={TRUE_CLASS: truth}), guess=True)
    key = f"{table.number}.{truth}"
    predicted = _column(predictions, "Predicted class", proposal, PREDICTED_CLASS, key)
    roles = {TRUE_CLASS: truth, PREDICTED_CLASS: predicted, PICTURE: proposal.roles.get(PICTURE)}
    chosen = {role: name for role, name in roles.items() if name is not None} | _probabilities(proposal, key)
    repairs = _repairs(proposal, key)
    if (chosen, repairs) != (proposal.roles, proposal.repairs):
        reasons = proposal.reasons
        proposal = replace(_tried(table, replace(proposal, roles=chosen, repairs=repairs)), reasons=reasons)
    slot.proposal = proposal
    _preview(proposal)
    if st.button("Open table", key="bias.columns.open", type="primary", disabled=bool(proposal.fault)):
        _open(slot, table, proposal)


def _column(place: DeltaGenerator, label: str, proposal: Proposal, role: str, key: str) -> str | None:
    """Show a choice of the column for a role; None for no column."""
    key = f"bias.column.{key}.{role}"
    if not session.has(key):
        session.put(key, proposal.roles.get(role, NONE))
    picked = place.selectbox(label, [NONE, *proposal.names], key=key)
    return None if picked == NONE else str(picked)


def _probabilities(proposal: Proposal, key: str) -> Roles:
    """Show a choice of the column for each class, and return those by role; many classes are taken as proposed."""
    proposed = {role: name for role, name in proposal.roles.items() if role.startswith(PROBABILITY)}
    if len(proposal.classes) > MOST_CLASSES:
        st.caption(f"Probabilities: {literal(some(list(proposed.values())) or 'none')}.")
        return proposed
    chosen: Roles = {}
    with st.expander("Probabilities", expanded=bool(proposed)):
        st.caption("One column per class. With two classes, the column of one of them is enough.")
        for label, place in zip(proposal.classes, _places(len(proposal.classes)), strict=True):
            name = _column(place, literal(label, 40), proposal, f"{PROBABILITY}{label}", key)
            chosen |= {} if name is None else {f"{PROBABILITY}{label}": name}
    return chosen


def _places(count: int) -> list[DeltaGenerator]:
    return [place for _ in range(0, count, 2) for place in st.columns(2)][:count]


def _repairs(proposal: Proposal, key: str) -> Repairs:
    """Show a switch for each repair that can change something, and return what is switched on."""
    useful = {"percent": True, "leave_out_rows": proposal.unusable > 0, "reconcile_names": bool(proposal.spellings)}
    values = proposal.repairs.values()
    for param in Repairs.params:
        name = f"bias.column.{key}.{param.name}"
        if not session.has(name):
            session.put(name, values[param.name])
        if useful[param.name] or values[param.name]:
            values[param.name] = st.toggle(param.label, key=name, help=param.help)
    return Repairs.from_json(values)


def _preview(proposal: Proposal) -> None:
    """Show why the columns were proposed, what is doubtful, and the first rows as they would be read."""
    for reason in proposal.reasons:
        st.caption(literal(reason))
    _doubts(proposal)
    if proposal.fault:
        frame.complain(DataError(proposal.fault))
        return
    classes = f"{len(proposal.classes)} classes ({literal(some(proposal.classes))})"
    st.markdown(f"**{proposal.pictures:,} pictures, {classes}, accuracy {number(proposal.accuracy)}**")
    _rows(proposal.preview, "bias.preview", "The first rows as they would be read")


def _doubts(proposal: Proposal) -> None:
    if proposal.unusable:
        st.caption(f"Rows that cannot be used: {literal(proposal.which)}.")
        _rows(proposal.dropped, "bias.dropped", "Rows that cannot be used")
    if proposal.spellings:
        pairs = [f"{odd!r} is {best!r}" for odd, best in proposal.spellings.items()]
        st.caption(f"Class names that differ in case or spaces: {literal(some(pairs))}.")


def _rows(rows: Rows, key: str, alt: str) -> None:
    header, *cells = rows
    st.dataframe(pd.DataFrame(cells, columns=list(header)), hide_index=True, key=key, alt=alt)


def _tried(table: Table, proposal: Proposal, guess: bool = False) -> Proposal:
    """Return what a table gives with these roles and repairs."""
    question = ProposeColumns(table.data, table.labels or (), proposal.roles, proposal.repairs, guess)
    return session.parser().ask(question)


def _open(slot: BiasSlot, table: Table, proposal: Proposal) -> None:
    read = ReadPredictions(table.data, table.name, table.labels, columns=proposal.roles, repairs=proposal.repairs)
    with frame.errors_in_words():
        slot.hold(session.parser().ask(read))
        st.rerun()


def _forget(slot: BiasSlot) -> None:
    slot.fault = slot.table = slot.proposal = None
