"""The description of a model arrives as the worker sent it, and is refused if it makes no sense."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from xai_core.jobs import messages
from xai_core.jobs.checks import MOST_TEXTS
from xai_core.jobs.frames import BadFrame
from xai_core.model_code import CodeEntry, CodeParameter, ModelCode
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, FileKind, InputSpec, Layer, ModelSource, RawOutput, ScoreOutput

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
    hint_known=False,
    labels=("cat", "dog"),
    notes=("A note.",),
    layers=(Layer("features.17", 7, 7, 320), Layer("features", 7, 7, 1280)),
    token_grid=(14, 14),
    choices=("torchvision/resnet18 in model_ema",),
)


def crossed(values):
    return json.loads(json.dumps(values))


def test_a_card_crosses_whole():
    assert messages.card_from_json(crossed(messages.card_to_json(CARD))) == CARD


def test_a_card_with_unreadable_outputs_crosses_whole_without_a_class():
    raw = RawOutput("boxes", (1, 0, 4), 0.0, 0.0, ())
    card = replace(CARD, classes=0, labels=(), capabilities=Capability(0), raw_outputs=(raw,))
    assert messages.card_from_json(crossed(messages.card_to_json(card))) == card


def test_a_card_with_outputs_to_choose_from_crosses_whole_if_they_add_up():
    outputs = (ScoreOutput("features", (2, 990), 990), ScoreOutput("logits", (2, 10), 10, "it sums to one"))
    card = replace(CARD, outputs=outputs)
    assert messages.card_from_json(crossed(messages.card_to_json(card))) == card
    with pytest.raises(BadFrame, match="do not add up"):
        messages.card_from_json(crossed(messages.card_to_json(replace(card, outputs=outputs[1:]))))


def test_a_card_that_asks_what_code_builds_crosses_whole_without_a_class():
    parameters = (CodeParameter("classes", "5", "10", "the rows of fc.weight"), CodeParameter("width"))
    entries = (CodeEntry("Net", "class", "model.py", parameters, "a reason"), CodeEntry("make", "function", "model.py"))
    card = replace(CARD, classes=0, labels=(), capabilities=Capability(0), entries=entries)
    assert messages.card_from_json(crossed(messages.card_to_json(card))) == card
    with pytest.raises(BadFrame, match="Expected one of"):
        messages.card_from_json(
            crossed(messages.card_to_json(card)) | {"entries": [{**vars(entries[1]), "kind": "os"}]}
        )


@pytest.mark.parametrize("code", [None, ModelCode("/a/model.py", "model.py", "ab" * 32, "Net", "width=3")])
def test_a_source_crosses_without_its_owner(code):
    source = ModelSource("/a/w.pt", "w.pt", "cd" * 32, "a/b", "someone", "detect", "{}", code)
    assert messages.source_from_json(crossed(messages.source_to_json(source))) == replace(source, owner="")


def test_a_file_kind_crosses_whole():
    kind = FileKind("keras", "tensorflow", ("A note.",))
    assert messages.kind_from_json(crossed(messages.kind_to_json(kind))) == kind


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
        ("labels", ["a"] * (MOST_TEXTS + 1)),
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
