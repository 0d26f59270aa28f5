"""From a transformer's tokens to places in the picture."""

from __future__ import annotations

import numpy as np

from xai_core.types import Card, Floats


def that_count(weights: Floats, gradients: Floats) -> tuple[Floats, Floats]:
    """Return attentions and their gradients (L, heads, tokens, tokens) up to the last layer that affects the score.

    Segmentation networks may read out earlier layers and leave the last ones unused, with gradients of exactly zero.
    """
    counting = np.flatnonzero(gradients.any(axis=(1, 2, 3)))
    end = int(counting[-1]) + 1 if len(counting) else len(gradients)
    return weights[:end], gradients[:end]


def seen_from_the_end(relations: Floats, last: Floats, card: Card) -> Floats:
    """Return (h, w): what the prediction takes from each patch, given how tokens relate to each other (tokens, tokens).

    last: the score's gradient with respect to the last layer's attention (heads, tokens, tokens). Tokens whose row is
    zero there are not read out, which distinguishes a class token from the mean of all patches.
    """
    assert card.token_grid is not None
    height, width = card.token_grid
    read = np.abs(last).sum(axis=(0, 2))
    row = (read / (read.sum() or 1)) @ relations
    return np.asarray(row[len(row) - height * width :].reshape(height, width), np.float32)
