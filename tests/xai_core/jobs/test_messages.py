"""What a worker says is read back as it was meant, and refused where it makes no sense."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from xai_core.jobs import messages
from xai_core.jobs.frames import BadFrame
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, Engine, Estimate, FileKind, InputSpec, Layer, RawOutput

CARD = Card(
    "pytorch",
    "torch-weights",
    1000,
    InputSpec(224, None, 3, "NHWC", 1),
    Capability.PREDICT | Capability.GRADIENT,
    gives="probability",
    head="sigmoid",
    architecture="torchvision/resnet18",
    missing={"GRADIENT": "it has none."},
    hint=Preprocessing(224, 200, channels="BGR", mean=(1, 2, 3)),
    hint_reason="The file says so.",
    labels=("cat", "dog"),
    notes=("A note.",),
    layers=(Layer("features.17", 7, 7, 320), Layer("features", 7, 7, 1280)),
    token_grid=(14, 14),
)
ENGINE = Engine("OpenVINO", "bfloat16", 0.01, 1.0, 2.2, True, "")
SHAPE = (2, 3, 4)
MAPS = np.arange(24, dtype=np.float32).reshape(SHAPE)


def crossed(values):
    return json.loads(json.dumps(values))


def test_a_card_crosses_whole():
    assert messages.card_from_json(crossed(messages.card_to_json(CARD))) == CARD


def test_a_card_of_outputs_that_nobody_can_read_crosses_whole_without_a_class():
    raw = RawOutput("boxes", (1, 0, 4), 0.0, 0.0, ())
    card = replace(CARD, classes=0, labels=(), capabilities=Capability(0), raw_outputs=(raw,))
    assert messages.card_from_json(crossed(messages.card_to_json(card))) == card


def test_a_file_kind_crosses_whole():
    kind = FileKind("keras", "tensorflow", ("A note.",))
    assert messages.kind_from_json(crossed(messages.kind_to_json(kind))) == kind


@pytest.mark.parametrize("error", [None, MAPS + 1])
def test_an_estimate_crosses_whole(error):
    values, arrays = messages.estimate_to_frame(Estimate(0.5, MAPS, {"figure": (1.5, None)}, error, ("So.",)))
    found = messages.estimate_from_frame(crossed(values), arrays, SHAPE)
    assert (found.fraction, found.diagnostics, found.notes) == (0.5, {"figure": (1.5, None)}, ("So.",))
    np.testing.assert_array_equal(found.maps, MAPS)
    assert (found.standard_error is None) == (error is None)


def test_a_figure_that_is_no_number_crosses_as_undefined():
    values, _ = messages.estimate_to_frame(Estimate(1.0, MAPS, {"figure": (float("nan"), 1.0)}))
    assert values["diagnostics"] == {"figure": [None, 1.0]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("classes", 0),
        ("classes", True),
        ("classes", 10**9),
        ("framework", "os"),
        ("framework", ["onnx"]),
        ("gives", "shell"),
        ("capabilities", ["ROOT"]),
        ("capabilities", "PREDICT"),
        ("input", None),
        ("input", {"height": 1e9, "width": 1, "channels": 3, "layout": "NCHW", "batch": None}),
        ("labels", "text"),
        ("labels", [1]),
        ("labels", ["a"] * (messages.MOST_TEXTS + 1)),
        ("missing", {"GRADIENT": 1}),
        ("hint", {"height": "224", "width": 224}),
        ("hint", {"height": 224, "width": 224, "fit": "explode"}),
        ("hint", "text"),
        ("notes", {}),
        ("layers", "features"),
        ("layers", [{"name": "features", "height": 0, "width": 7, "channels": 3}]),
        ("layers", [{"name": "features"}]),
        ("token_grid", [14]),
        ("token_grid", 14),
    ],
)
def test_a_card_that_makes_no_sense_is_refused(name, value):
    with pytest.raises(BadFrame):
        messages.card_from_json(crossed(messages.card_to_json(CARD)) | {name: value})


@pytest.mark.parametrize(("channels", "depth"), [("gray", 3), ("RGB", 1), ("BGR", 1), ("RGB", 4)])
def test_a_hint_that_does_not_suit_the_channels_is_refused(channels, depth):
    card = replace(CARD, input=replace(CARD.input, channels=depth), hint=Preprocessing(224, 200, channels=channels))
    with pytest.raises(BadFrame, match=f"A hint of {channels} came for an input of {depth} channels"):
        messages.card_from_json(crossed(messages.card_to_json(card)))


def test_a_gray_hint_suits_one_channel():
    hint = Preprocessing(224, 200, channels="gray")
    card = replace(CARD, input=replace(CARD.input, channels=1), hint=hint)
    assert messages.card_from_json(crossed(messages.card_to_json(card))) == card


@pytest.mark.parametrize("missing", ["labels", "classes", "hint"])
def test_a_card_that_lacks_a_field_is_refused(missing):
    values = crossed(messages.card_to_json(CARD))
    del values[missing]
    with pytest.raises(BadFrame):
        messages.card_from_json(values)


@pytest.mark.parametrize(
    "arrays",
    [
        [],
        [MAPS] * 3,
        [MAPS[:1]],
        [MAPS.astype(np.float64)],
        [np.where(MAPS == 3, np.nan, MAPS)],
        [MAPS, np.full(SHAPE, np.inf, np.float32)],
        [MAPS, MAPS[0]],
    ],
)
def test_maps_that_make_no_sense_are_refused(arrays):
    with pytest.raises(BadFrame):
        messages.estimate_from_frame({"fraction": 1, "diagnostics": {}, "notes": []}, arrays, SHAPE)


@pytest.mark.parametrize(
    "values",
    [
        None,
        {"fraction": 1},
        {"fraction": 1.5, "diagnostics": {}},
        {"fraction": "1", "diagnostics": {}},
        {"fraction": 1, "diagnostics": {"figure": [1.0]}},
        {"fraction": 1, "diagnostics": {"figure": [1.0, "2"]}},
        {"fraction": 1, "diagnostics": {}, "notes": [1]},
        {"fraction": 1, "diagnostics": {str(i): [1, 2] for i in range(65)}},
    ],
)
def test_figures_that_make_no_sense_are_refused(values):
    with pytest.raises(BadFrame):
        messages.estimate_from_frame(values, [MAPS], SHAPE)


def test_a_text_is_cut_and_holds_no_control_characters():
    assert messages.text("a\x1b[31m\nb" + "c" * 1000) == ("a [31m b" + "c" * 1000)[: messages.LONGEST_TEXT]


def test_engines_cross_whole():
    assert messages.engines_from_json(crossed(messages.engines_to_json((ENGINE,)))) == (ENGINE,)


@pytest.mark.parametrize(
    "change", [{"precision": "int4"}, {"milliseconds": "2"}, {"max_difference": None}, {"name": 3}]
)
def test_an_engine_that_makes_no_sense_is_refused(change):
    values = crossed(messages.engines_to_json((ENGINE,)))
    values["engines"][0] |= change
    with pytest.raises(BadFrame):
        messages.engines_from_json(values)
