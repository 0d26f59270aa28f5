from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xai_core.errors import ModelError, ParamError, RefusedModel
from xai_core.pictures.files import Picture
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.preprocessing import Preprocessing, presets
from xai_core.services.preprocessing_guess import (
    UNSAID,
    candidates,
    check_preprocessing_name,
    chosen_preprocessing,
    information,
    input_size,
    load_preprocessing,
    rank,
)
from xai_core.types import Capability, Card, InputSpec

SIDE = 16
NAMES = ("0..1", "ImageNet mean/std", "-1..1", "0..255", "Caffe BGR")
CENTRES = np.random.default_rng(5).uniform(0.15, 0.85, (12, 3)).astype(np.float32)


def card(classes: int = 12, height: int | None = SIDE, width: int | None = SIDE, **changes) -> Card:
    return Card(
        "onnx", "onnx", classes, InputSpec(height, width, changes.pop("channels", 3)), Capability.PREDICT, **changes
    )


def network_that_wants(name: str, classes: int = 12):
    """A classifier of colours: the nearer the mean colour to a class's own, in the units it wants, the surer."""
    wanted = presets(SIDE, SIDE)[name]

    def predict(way: Preprocessing, images):
        centres = wanted.normalise(CENTRES[:, None, None])[:, 0, 0]
        distances = ((way.normalise(images).mean(axis=(1, 2))[:, None] - centres) ** 2).sum(axis=2)
        logits = -60 * distances / np.var(centres, axis=0).mean() / 10
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        answers = np.zeros((len(images), classes), np.float32)
        answers[:, :12] = raised / raised.sum(axis=1, keepdims=True)
        return answers

    return predict


def colours(count: int) -> list[Picture]:
    noise = np.random.default_rng(1).normal(0, 6, (12, 40, 40, 3))
    pixels = np.clip(CENTRES[:, None, None] * 255 + noise, 0, 255).astype(np.uint8)
    return [Picture(p, f"{n}", f"{n}") for n, p in enumerate(pixels[:count])]


@pytest.fixture
def known(tmp_path: Path) -> list[KnownPhoto]:
    for picture in colours(6):
        Image.fromarray(picture.pixels).save(tmp_path / f"{picture.name}.png")
    return [KnownPhoto(f"{n}", str(tmp_path / f"{n}.png"), (n,)) for n in range(6)]


@pytest.mark.parametrize("wanted", NAMES)
def test_own_pictures_show_what_a_network_wants(wanted):
    found = rank(card(), network_that_wants(wanted), colours(10))
    assert found[0].name == wanted or f"{wanted} does about as well" in found[0].evidence
    assert {c.name for c in found} == set(NAMES)
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)


@pytest.mark.parametrize("wanted", NAMES)
def test_photos_with_known_classes_show_what_an_imagenet_network_wants(wanted, known):
    found = rank(card(1000), network_that_wants(wanted, 1000), [], known)
    assert found[0].name == wanted or f"{wanted} does about as well" in found[0].evidence
    assert "6 of 6 known photos" in found[0].evidence


def test_a_network_of_1000_other_classes_is_tried_on_the_user_s_pictures(known):
    swapped = [replace(r, classes=(999,)) for r in known]
    found = rank(card(1000), network_that_wants("0..255", 1000), colours(8), swapped)
    assert found[0].name == "0..255"
    assert "8 pictures" in found[0].evidence


def test_one_picture_is_called_weak_evidence_and_joined_by_samples(known):
    found = rank(card(), network_that_wants("0..255"), colours(1), known)
    assert found[0].name == "0..255"
    assert "one picture of yours and 6 sample photos, this is weak evidence" in found[0].evidence


def test_without_any_picture_the_candidates_are_listed_untried():
    found = rank(card(), network_that_wants("0..255"), [])
    assert {c.score for c in found} == {0.0}
    assert "no picture" in found[0].evidence


def test_the_hint_of_the_file_comes_first_unless_the_answers_contradict_it():
    hint = replace(presets(SIDE, SIDE)["0..255"], crop_share=0.875)
    found = rank(card(hint=hint, hint_reason="A Rescaling layer."), network_that_wants("0..255"), colours(8))
    assert found[0].preprocessing == hint
    assert found[0].evidence.startswith("A Rescaling layer. ")


def test_a_guess_is_called_assumed_and_says_once_that_the_file_is_silent():
    hint, reason = presets(SIDE, SIDE)["0..255"], "The file does not say how values are scaled."
    guessed = card(hint=hint, hint_reason=reason, hint_known=False)
    first = rank(guessed, network_that_wants("0..255"), colours(8))[0]
    assert (first.assumed, first.evidence.startswith(reason), UNSAID in first.evidence) == (True, True, False)
    wrong = replace(guessed, hint=presets(SIDE, SIDE)["0..1"])
    overruled = rank(wrong, network_that_wants("0..255"), colours(8))[0]
    assert (overruled.name, overruled.assumed, overruled.evidence.startswith(UNSAID)) == ("0..255", True, True)
    assert not rank(replace(guessed, hint_known=True), network_that_wants("0..255"), colours(8))[0].assumed


def test_what_the_file_says_is_overruled_by_strong_evidence():
    hint = presets(SIDE, SIDE)["0..1"]
    found = rank(card(hint=hint, hint_reason="Its name."), network_that_wants("0..255"), colours(8))
    assert found[0].name == "0..255"
    assert "contradict it" in next(c for c in found if c.preprocessing == hint).evidence


def test_candidates_that_do_equally_well_are_named():
    found = rank(card(), lambda way, images: np.full((len(images), 12), 1 / 12, np.float32), colours(8))
    assert "do about as well" in found[0].evidence
    assert found[0].score == pytest.approx(0, abs=1e-5)


def test_a_way_that_gives_no_numbers_comes_last_with_its_reason():
    def predict(way, images):
        if way.scale == 255:
            raise ModelError("The model returned values that are not numbers.")
        return network_that_wants("0..1")(way, images)

    found = rank(card(), predict, colours(8))
    assert found[0].name == "0..1"
    assert found[-1].evidence == "The model returned values that are not numbers."


def test_a_model_that_never_answers_raises_its_own_error():
    def predict(way, images):
        raise ModelError("The model returned values that are not numbers.")

    with pytest.raises(ModelError, match="not numbers"):
        rank(card(), predict, colours(4))


def test_a_refused_model_is_not_asked_again():
    asked = []

    def predict(way, images):
        asked.append(way)
        raise RefusedModel("The model tried to use a file.")

    with pytest.raises(RefusedModel):
        rank(card(), predict, colours(4))
    assert len(asked) == 1


@pytest.mark.parametrize("width", [1, 2])
def test_models_with_one_output_and_with_labels_that_overlap_are_ranked(width):
    def predict(way, images):
        bright = way.normalise(images).mean(axis=(1, 2, 3))[:, None] > way.normalise(images).mean()
        return np.repeat(bright.astype(np.float32), width, axis=1)

    assert all(np.isfinite(c.score) for c in rank(card(width), predict, colours(6)))


def test_gray_models_get_gray_candidates():
    assert {way.channels for way in candidates(card(channels=1)).values()} == {"gray"}


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(None, None, (224, 224)), (32, 48, (32, 48)), (None, 300, (300, 300)), (64, None, (64, 64))],
)
def test_a_free_size_becomes_the_usual_one(height, width, expected):
    assert input_size(card(height=height, width=width)) == expected


def test_a_free_size_becomes_the_hint_s():
    assert input_size(card(height=None, width=None, hint=Preprocessing(299, 331))) == (299, 331)


def test_information_is_the_log_of_the_classes_for_sure_steady_and_even_answers():
    answers = np.tile(np.eye(8, dtype=np.float32), (3, 1, 1))
    assert 0.85 * np.log(8) < information(answers) < np.log(8)


def test_information_is_zero_for_constant_answers_and_negative_for_fickle_ones():
    constant = np.tile(np.eye(8, dtype=np.float32)[:1], (3, 8, 1))
    fickle = np.stack([np.eye(8, dtype=np.float32), np.roll(np.eye(8, dtype=np.float32), 1, axis=0)])
    assert information(constant) == pytest.approx(0, abs=1e-6)
    assert information(fickle) < -1


def test_a_preprocessing_is_loaded_by_its_name():
    assert load_preprocessing(" imagenet MEAN/std ", card()) == presets(SIDE, SIDE)["ImageNet mean/std"]


def test_a_json_file_changes_only_what_it_names(tmp_path: Path):
    path = tmp_path / "way.json"
    path.write_text(json.dumps({"channels": "BGR", "scale": 255, "mean": [1, 2, 3]}))
    loaded = load_preprocessing(str(path), card())
    assert (loaded.height, loaded.channels, loaded.scale, loaded.mean) == (SIDE, "BGR", 255, (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not valid JSON"),
        ("[]", "a JSON object"),
        ('{"size": 3}', "no field 'size'"),
        ('{"height": "tall"}', "Height"),
        ('{"mean": ["a", "b", "c"]}', "must be numbers"),
        ('{"std": [0, 1, 1]}', "greater than zero"),
        ('{"fit": "bend"}', "crop, squash, pad"),
        ('{"channels": "XYZ"}', "RGB, BGR, gray"),
        ('{"scale": "big"}', "number"),
        ('{"scale": NaN}', "number"),
        ('{"height": 7.5}', "whole number"),
    ],
)
def test_a_wrong_json_file_is_reported_in_a_sentence(tmp_path: Path, text, sentence):
    path = tmp_path / "way.json"
    path.write_text(text)
    with pytest.raises(ParamError, match=sentence) as caught:
        load_preprocessing(str(path), card())
    assert str(tmp_path) not in str(caught.value)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(ParamError, match=r"No preprocessing or file is called 'imagenette'.*Caffe BGR"):
        load_preprocessing("imagenette", card())


def test_a_preprocessing_may_be_one_its_fields_or_a_name():
    first = next(iter(candidates(card()).values()))
    assert chosen_preprocessing(first, card()) is first
    assert chosen_preprocessing({"height": 24}, card()) == replace(first, height=24)
    assert chosen_preprocessing("-1..1", card()) == presets(SIDE, SIDE)["-1..1"]


def test_a_field_that_is_unknown_is_named():
    with pytest.raises(ParamError, match="hight"):
        chosen_preprocessing({"hight": 24}, card())


@pytest.mark.parametrize("text", ["imagenet", "-1..1", "Caffe", "0", "suggested"])
def test_a_name_that_some_model_knows_passes_without_a_model(text: str) -> None:
    check_preprocessing_name(text)


def test_a_name_or_file_that_no_model_knows_is_refused_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "way.json").write_text("[1]")
    for text, words in (("imagenette", "Caffe BGR, suggested"), (str(tmp_path / "way.json"), "a JSON object")):
        with pytest.raises(ParamError, match=words):
            check_preprocessing_name(text)
