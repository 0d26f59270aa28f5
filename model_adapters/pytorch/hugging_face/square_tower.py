"""The vision tower of SigLIP 2 (NaFlex) for square pictures, which it otherwise takes cut into patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from xai_core.preprocessing import Preprocessing

HALF = (0.5, 0.5, 0.5)
REASON = (
    "SigLIP 2 was trained with these colours. It also takes other proportions, but Vitrine stretches a picture to the "
    "square for which the weights hold a position of every patch."
)


@dataclass(frozen=True)
class Pooled:
    """What a vision tower returns: one row (N, D) per picture."""

    pooler_output: Any


class SquareTower(torch.nn.Module):  # type: ignore[misc]
    """The tower with a convolution in place of the linear layer that takes patches, in the grid of its positions."""

    def __init__(self, tower: Any) -> None:
        super().__init__()
        embeddings = tower.embeddings
        self.grid, self.patch = int(embeddings.position_embedding_size), int(embeddings.patch_size)
        weight = embeddings.patch_embedding.weight.detach()
        channels = weight.shape[1] // self.patch**2
        self.patches = torch.nn.Conv2d(channels, len(weight), self.patch, self.patch)
        with torch.no_grad():
            self.patches.weight.copy_(weight.unflatten(1, (self.patch, self.patch, channels)).permute(0, 3, 1, 2))
            self.patches.bias.copy_(embeddings.patch_embedding.bias)
        self.positions = embeddings.position_embedding
        self.encoder, self.post_layernorm, self.head = tower.encoder, tower.post_layernorm, tower.head

    @property
    def side(self) -> int:
        """The height and width of its pictures in pixels."""
        return self.grid * self.patch

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing for its pictures."""
        return Preprocessing(self.side, self.side, "squash", mean=HALF, std=HALF)

    def forward(self, pictures: Any) -> Pooled:
        tokens = self.patches(pictures).flatten(2).transpose(1, 2) + self.positions.weight
        seen = self.encoder(inputs_embeds=tokens, attention_mask=None).last_hidden_state
        return Pooled(self.head(self.post_layernorm(seen)))
