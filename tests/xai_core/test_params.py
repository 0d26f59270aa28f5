"""Declarations are read once, and every fault of a value becomes a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import pytest

from xai_core.errors import ParamError
from xai_core.params import Declared, FromModel, OnlyIf, Range, ShareOfSide, params_of


@dataclass(frozen=True, kw_only=True)
class Sample(Declared):
    """Everything that a declaration can hold."""

    steps: Annotated[int, Range(8, 64), "How many."] = 16
    patch: Annotated[int, Range(4, ShareOfSide(0.5), unit="px"), "How large."] = 24
    strength: Annotated[float, Range(0, 1, 0.1), "How strong."] = 0.5
    fill: Annotated[Literal["black", "grey"], "What with."] = "grey"
    signed: Annotated[bool, "Whether it has a sign."] = False
    layers: Annotated[tuple[str, ...], FromModel("layers"), "Which layers."] = ()
    reach: Annotated[int, Range(1, 9), OnlyIf("signed", True), "How far."] = 3


Sample.id, Sample.title = "sample", "Sample"
Sample.params = params_of(Sample)
LAYERS = next(p for p in Sample.params if p.name == "layers")


def test_an_acronym_in_a_label_keeps_its_capitals():
    assert replace(LAYERS, name="least_iou").label == "Least IoU"
    assert replace(LAYERS, name="previous_layer").label == "Previous layer"


def test_a_parameter_says_when_it_is_used():
    reach = Sample.params[-1]
    assert reach.help == "How far. Used only if “Signed” is on."
    assert [reach.only_if.holds({"signed": value}) for value in (True, False)] == [True, False]


def test_a_default_is_limited_to_what_the_model_allows():
    assert Sample.fitted((32, 48)).patch == 16


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"steps": 7}, "Steps must be between 8 and 64; got 7"),
        ({"steps": 8.5}, "Steps must be a whole number; got 8.5"),
        ({"steps": True}, "Steps must be a whole number"),
        ({"strength": float("nan")}, "Strength must be a number"),
        ({"fill": "pink"}, "Fill must be one of black, grey; got 'pink'"),
        ({"signed": "yes"}, "Signed must be true or false"),
        ({"layers": ("a", 3)}, "Layers must be names"),
        ({"speed": 3}, "Sample has no parameter 'speed'"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(given, sentence):
    with pytest.raises(ParamError, match=sentence):
        Sample.fitted(None, given)


def test_a_size_is_bounded_by_the_model_it_meets():
    with pytest.raises(ParamError, match="between 4 and 14 px; got 24"):
        Sample().check_for((28, 28))


def test_values_come_back_from_json():
    made = Sample(steps=20, layers=("features.17", "features.18"), signed=True)
    assert Sample.from_json(made.values()) == made
    assert made.values()["layers"] == ["features.17", "features.18"]


@pytest.mark.parametrize("values", [Sample(), Sample(layers=("a.b", "c"), signed=True, strength=0.25)])
def test_values_come_back_from_text(values):
    texts = {p.name: p.text(getattr(values, p.name)) for p in Sample.params}
    assert Sample(**{p.name: p.parse(texts[p.name]) for p in Sample.params}) == values


def test_an_unknown_layer_is_refused_with_the_known_ones():
    known = replace(LAYERS, choices=tuple(f"layer{i}" for i in range(20)))
    with pytest.raises(ParamError, match=r"layer19 and 8 more; got 'head'"):
        known.check(("layer3", "head"))


def test_a_field_without_a_help_sentence_is_a_programming_error():
    @dataclass
    class Careless:
        steps: Annotated[int, Range(1, 2)] = 1

    with pytest.raises(TypeError, match="needs a sentence"):
        params_of(Careless)


def test_the_effort_is_the_parameter_that_reduces_the_noise():
    @dataclass(frozen=True, kw_only=True)
    class Drawn(Declared):
        cells: Annotated[int, Range(2, 8), "How fine."] = 4
        draws: Annotated[int, Range(2, 8, steadier=True), "How many."] = 4

    Drawn.id, Drawn.title, Drawn.params = "drawn", "Drawn", params_of(Drawn)
    effort = Drawn().effort
    assert effort is not None
    assert effort.name == "draws"
    assert Sample().effort is None
