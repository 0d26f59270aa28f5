"""CLIP and SigLIP score typed labels as transformers does, and are explained like any classifier."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from model_adapters import inspect, load
from model_adapters.common.typed_labels import TypedLabels
from model_adapters.pytorch.hugging_face.library import library
from tests.contract.quick import quick, why_not
from tests.hub_models import SIDE, WORDS, matcher, packed, tokenizer
from xai_core import methods as _methods  # noqa: F401  (registers the methods)
from xai_core.errors import RefusedModel, TypeLabels, UnsupportedModel
from xai_core.method import METHODS
from xai_core.model import Model
from xai_core.preprocessing import presets
from xai_core.types import Capability

NAMES = ("cat", "small grey dog", "owl")
MATCHERS = ("CLIPModel", "SiglipModel", "Siglip2Model")


def folder(name, tmp_path, **files):
    written = {"tokenizer__json": tokenizer()} | files
    return packed(matcher(name, len(WORDS)), tmp_path, **written)


def opened(source, tmp_path, names=NAMES, prompt=None):
    reading = TypedLabels.of(names, prompt).choice.to_text()
    chosen = replace(source, reading=reading)
    return load(chosen, inspect(chosen), str(tmp_path))


def expected(name, texts, pictures):
    """Return what transformers itself answers, with the words numbered by hand."""
    module = matcher(name, len(WORDS))
    longest = module.config.text_config.max_position_embeddings
    rows = [[WORDS.index("<start>"), *map(WORDS.index, text.split()), WORDS.index("<end>")] for text in texts]
    width = max(map(len, rows)) if name == "CLIPModel" else longest
    numbers = torch.tensor([row + [module.config.text_config.pad_token_id] * (width - len(row)) for row in rows])
    with torch.no_grad():
        return module(input_ids=numbers, **(as_patches(pictures) if "2" in name else {"pixel_values": pictures}))[0]


def as_patches(pictures):
    """Return what SigLIP 2 takes, as transformers' own processor cuts it."""
    cut = library("models.siglip2.image_processing_siglip2").convert_image_to_patches
    shape = torch.tensor([[SIDE // 8, SIDE // 8]] * len(pictures))
    values = torch.stack([cut(picture, 8) for picture in pictures])
    return {"pixel_values": values, "pixel_attention_mask": torch.ones(values.shape[:2]), "spatial_shapes": shape}


@pytest.mark.parametrize("name", MATCHERS)
def test_the_scores_are_those_of_transformers(name, tmp_path):
    ours = opened(folder(name, tmp_path), tmp_path)
    pictures = torch.randn(2, 3, SIDE, SIDE)
    answers = torch.from_numpy(ours.forward(pictures.permute(0, 2, 3, 1).numpy()))
    logits = expected(name, [f"a photo of a {label}" for label in NAMES], pictures)
    torch.testing.assert_close(answers, logits, atol=1e-4, rtol=1e-4)
    assert logits.std() > 0.01
    assert ours.card.labels == NAMES
    assert (ours.card.head, ours.card.head_known) == ("softmax" if name == "CLIPModel" else "sigmoid", True)


def test_a_prompt_changes_the_texts(tmp_path):
    pictures = torch.randn(1, 3, SIDE, SIDE)
    ours = opened(folder("CLIPModel", tmp_path), tmp_path, prompt="{}")
    answers = torch.from_numpy(ours.forward(pictures.permute(0, 2, 3, 1).numpy()))
    torch.testing.assert_close(answers, expected("CLIPModel", NAMES, pictures), atol=1e-4, rtol=1e-4)
    assert json.loads(ours.card.reading) == {"labels": "cat\nsmall grey dog\nowl", "prompt": "{}"}


@pytest.mark.long
@pytest.mark.parametrize("name", MATCHERS)
def test_every_method_that_suits_it_says_why_a_picture_looks_like_a_text(name, tmp_path):
    ours = opened(folder(name, tmp_path), tmp_path)
    model = Model(ours, next(iter(presets(SIDE, SIDE).values())))
    image = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    methods = [method for method in METHODS.values() if not why_not(method, ours.card)]
    assert {"grad_cam", "attention_rollout", "rise", "integrated_gradients"} <= {method.id for method in methods}
    for method in methods:
        *_, estimate = quick(method, ours.card, (SIDE, SIDE)).explain(model, image, np.array([1]))
        assert np.isfinite(estimate.maps).all(), method.id


def test_its_attention_and_layers_are_accessible(tmp_path):
    card = opened(folder("CLIPModel", tmp_path), tmp_path).card
    assert Capability.ATTENTION | Capability.ACTIVATIONS | Capability.RANDOMISATION in card.capabilities
    assert (card.token_grid, card.layers[-1].name) == ((4, 4), "vision_model.encoder.layers.1.layer_norm1")


def test_without_labels_it_asks_before_the_weights_are_read(tmp_path):
    source = folder("CLIPModel", tmp_path, model__safetensors=b"no weights")
    with pytest.raises(TypeLabels, match="CLIPModel compares a picture with texts"):
        load(source, inspect(source), str(tmp_path))


def test_a_single_label_of_siglip_has_an_opposite(tmp_path):
    card = opened(folder("SiglipModel", tmp_path), tmp_path, ["owl"]).card
    assert (card.classes, card.both_sides, card.labels) == (2, True, ("owl",))


def test_a_long_text_is_cut_at_its_end(tmp_path):
    notes = opened(folder("CLIPModel", tmp_path), tmp_path, ["cat " * 30, "dog"]).card.notes
    assert notes[-1].startswith("1 of the texts is longer than the 16 tokens")


@pytest.mark.parametrize(
    ("names", "files", "error", "sentence"),
    [
        (["cat"], {}, TypeLabels, "needs at least two labels"),
        ([], {"tokenizer__json": None}, UnsupportedModel, "has no tokenizer.json"),
        (NAMES, {"tokenizer__json": b"{}"}, RefusedModel, "tokenizer.json is damaged"),
        (NAMES, {"tokenizer__json": None}, UnsupportedModel, "has no tokenizer.json"),
    ],
)
def test_what_cannot_be_compared_is_said(names, files, error, sentence, tmp_path):
    with pytest.raises(error, match=sentence):
        opened(folder("CLIPModel", tmp_path, **files), tmp_path, names)


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    source = packed(matcher("CLIPModel", 5), tmp_path, tokenizer__json=tokenizer())
    with pytest.raises(RefusedModel, match="returns token 11, but the model knows 5 tokens"):
        opened(source, tmp_path)
