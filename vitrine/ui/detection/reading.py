"""Settings of a detector that its file does not contain, as forms built from the declared parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from model_adapters.onnx.detection.readings import Reading
from model_adapters.pytorch.detection import known_detectors
from vitrine.ui import frame
from vitrine.ui.drawing.text import literal
from xai_core.params import Declared, Param
from xai_core.types import Card, ModelSource, RawOutput

SHOWN_VALUES = 6
APPLY = "Open with these settings"
Form = TypeVar("Form", bound=Declared)


def settings_form(source: ModelSource, card: Card) -> ModelSource | None:
    """Show the settings of a detector; return the source with the new settings once they are applied."""
    known = known_detectors.named(card.architecture or "")
    if known is not None:
        return _torchvision_form(source, known, card.choices)
    if card.framework == "onnx":
        st.caption("How the outputs of the graph are read. Change it if boxes look wrong.")
        return reading_form(source, card)
    st.caption("A TorchScript detector does not describe these itself.")
    return sealed_form(source)


def reading_form(source: ModelSource, card: Card) -> ModelSource | None:
    """Show how the outputs of a graph are read; return the same as `settings_form`."""
    text = source.reading or card.reading
    now = Reading.from_text(text) if text else Reading()
    made = declared_form(now, f"reading.{source.digest[:12]}", "Read the outputs this way")
    return None if made is None else replace(source, reading=made.to_text())


def sealed_form(source: ModelSource) -> ModelSource | None:
    """Show what a TorchScript file does not describe; return the same as `settings_form`."""
    usual = known_detectors.SealedSettings()
    now = known_detectors.read_over(usual, source.reading, usual.title)
    made = declared_form(now, f"sealed.{source.digest[:12]}", APPLY)
    return None if made is None else replace(source, reading=_unusual(made, usual))


def architecture_form(source: ModelSource, now: str | None, others: Sequence[str] = ()) -> ModelSource | None:
    """Show a choice of architecture for the weights; return the source with it once it is applied.

    others: further detectors in the file, such as "torchvision/ssd300_vgg16 in model_ema".
    """
    names = (*others, *known_detectors.names())
    shown, button = st.columns([3, 1], vertical_alignment="bottom")
    place = names.index(now) if now in names else None
    key = f"architecture.{source.digest[:12]}"
    chosen = shown.selectbox("Architecture", names, place, format_func=short_name, key=key)
    pressed = button.button("Open as this", key=f"{key}.open", disabled=chosen in (None, now), width="stretch")
    return replace(source, architecture=chosen, reading="") if pressed else None


def short_name(architecture: str) -> str:
    """Return the name of an architecture without its library."""
    return architecture.removeprefix("torchvision/")


def _torchvision_form(
    source: ModelSource, known: known_detectors.KnownDetector, others: Sequence[str]
) -> ModelSource | None:
    st.caption("Weights do not contain these settings. Until you change them, they are torchvision's defaults.")
    if (with_architecture := architecture_form(source, known.name, others)) is not None:
        return with_architecture
    usual = known_detectors.settings_for(known, "", source.digest)
    now = known_detectors.settings_for(known, source.reading, source.digest)
    made = declared_form(now, f"settings.{source.digest[:12]}", APPLY)
    return None if made is None else replace(source, reading=_unusual(made, usual))


def declared_form(now: Form, key: str, apply: str) -> Form | None:
    """Show a field for each declared parameter; return the new values once the button `apply` is pressed.

    now: the current values. key: a unique name for the form. Returns None until the button is pressed, or if a value
    is not allowed, in which case it shows the reason.
    """
    with st.form(key, border=False):
        columns = st.columns(2)
        values = {
            param.name: _field(columns[place % 2], param, getattr(now, param.name), f"{key}.{param.name}")
            for place, param in enumerate(now.params)
        }
        if not st.form_submit_button(apply, type="primary"):
            return None
    with frame.errors_in_words():
        return type(now)(**values)
    return None


def _unusual(chosen: Declared, usual: Declared) -> str:
    """Return the values that differ from the defaults, as JSON; "" if none does."""
    before = usual.values()
    changed = {name: value for name, value in chosen.values().items() if value != before[name]}
    return json.dumps(changed, sort_keys=True) if changed else ""


def raw_outputs_table(outputs: tuple[RawOutput, ...]) -> None:
    """Show the raw outputs of a graph, so that the user can work out what they mean."""
    rows = [
        {
            "output": output.name,
            "shape": " × ".join(map(str, output.shape)),
            "minimum": output.low,
            "maximum": output.high,
            "first values": ", ".join(f"{value:.4g}" for value in output.first[:SHOWN_VALUES]),
        }
        for output in outputs
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content", alt="The raw outputs of the graph")


def _field(place: Any, param: Param, now: Any, key: str) -> Any:
    options: dict[str, Any] = {"help": literal(param.help, 400), "key": key}
    if param.choices:
        return place.selectbox(param.label, param.choices, param.choices.index(now), **options)
    if param.kind is bool:
        return place.toggle(param.label, now, **options)
    if param.range is None:
        return place.text_input(param.label, str(now), **options)
    low, high = param.kind(param.range.low), param.kind(param.range.upper(None))
    label = f"{param.label} ({param.range.unit})" if param.range.unit else param.label
    step = param.range.step or (1 if param.kind is int else None)
    shown = None if param.kind is int else "%.6g"
    return place.number_input(label, low, high, now, step and param.kind(step), format=shown, **options)
