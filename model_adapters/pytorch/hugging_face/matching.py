"""CLIP and SigLIP as classifiers: the classes are texts, their scores the scaled similarities to the picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from model_adapters.common.typed_labels import TypedLabels
from model_adapters.pytorch.hugging_face.building import built
from model_adapters.pytorch.hugging_face.classifier import channels_of, described, finished
from model_adapters.pytorch.hugging_face.folder import Folder
from model_adapters.pytorch.hugging_face.looks import Look, look_in
from model_adapters.pytorch.hugging_face.square_tower import REASON, SquareTower
from model_adapters.pytorch.hugging_face.tasks import SIGLIP, SIGLIP_2, Opener
from model_adapters.pytorch.hugging_face.texts import Tokens, tokenizer_in, tokens_of
from model_adapters.pytorch.network import TorchNetwork
from xai_core.errors import TypeLabels
from xai_core.types import FileKind, Head

ASKED = "{name} compares a picture with texts and has no classes of its own. Type the labels that it chooses from."
AT_ONCE = 64  # texts
NOTE = "Each label is compared as a text, such as {text!r}."


class Likeness(torch.nn.Module):  # type: ignore[misc]
    """A vision tower, and its scaled similarity to K texts as a last linear layer."""

    def __init__(self, network: Any, texts: Any) -> None:
        super().__init__()
        self.vision_model = _tower(network)
        self.visual_projection = getattr(network, "visual_projection", None) or torch.nn.Identity()
        self.texts = torch.nn.Linear(texts.shape[1], texts.shape[0])
        bias = getattr(network, "logit_bias", None)
        with torch.no_grad():
            self.texts.weight.copy_(texts * network.logit_scale.exp())
            self.texts.bias.copy_(torch.zeros(len(texts)) if bias is None else bias.expand(len(texts)))

    def forward(self, pictures: Any) -> Any:
        seen = self.visual_projection(self.vision_model(pictures).pooler_output)
        return self.texts(torch.nn.functional.normalize(seen, dim=-1))


def matching(folder: Folder, opener: Opener, reading: str, kind: FileKind) -> TorchNetwork:
    """Open CLIP or SigLIP with the labels in `reading`; TypeLabels if there are none, or too few.

    Raises ParamError for labels that cannot be used, UnsupportedModel or RefusedModel for a folder that cannot.
    """
    tokenizer = tokenizer_in(folder)
    typed, head = _labels(opener, reading)
    network, notes = built(opener, folder.config, folder.content())
    texts, fill = network.config.text_config, head == "sigmoid"
    tokens = tokens_of(folder, tokenizer, typed.texts, texts, fill=fill, lower=opener.model_type == SIGLIP_2)
    module = Likeness(network, _embedded(network, tokens, masked=head == "softmax")).eval()
    config = network.config.vision_config
    look = _look(module, folder, opener, config)
    said = (*notes, NOTE.format(text=typed.texts[0]), *tokens.notes)
    card = replace(
        described(module, config, look, kind, said),
        labels=typed.names,
        head=head,
        head_known=True,
        reading=typed.choice.to_text(),
        architecture=f"transformers/{opener.name}",
    )
    return finished(module, card, look)


def _labels(opener: Opener, reading: str) -> tuple[TypedLabels, Head]:
    """Return the typed labels and how their scores become probabilities."""
    typed = TypedLabels.from_text(reading)
    if not typed.names:
        raise TypeLabels(ASKED.format(name=opener.name))
    if opener.model_type in (SIGLIP, SIGLIP_2):
        return typed, "sigmoid"
    if sentence := typed.too_few("softmax", opener.name):
        raise TypeLabels(sentence)
    return typed, "softmax"


def _tower(network: Any) -> Any:
    """Return the part for pictures; that of SigLIP 2 takes pictures cut into patches, and is put behind a square."""
    of_patches = network.config.model_type == SIGLIP_2
    return SquareTower(network.vision_model) if of_patches else network.vision_model


def _look(module: Likeness, folder: Folder, opener: Opener, config: Any) -> Look:
    if isinstance(module.vision_model, SquareTower):
        return Look(module.vision_model.preprocessing, REASON)
    return look_in(folder, opener.model_type, channels_of(config))


def _embedded(network: Any, tokens: Tokens, masked: bool) -> Any:
    """Return the embeddings (K, D) of texts, each of length 1."""
    parts = []
    for start in range(0, len(tokens.numbers), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        mask = {"attention_mask": tokens.mask[some]} if masked else {}
        with torch.inference_mode():
            parts.append(network.get_text_features(tokens.numbers[some], **mask).pooler_output)
    return torch.nn.functional.normalize(torch.cat(parts), dim=-1).clone()
