"""Put an end behind a PyTorch module: another last step for its scores."""

from __future__ import annotations

from typing import Any

import torch

from model_adapters.pytorch.answers import rows
from xai_core.ends import SHORTEST, End


class Ended(torch.nn.Module):  # type: ignore[misc]
    """A module with an end; its parts keep their names.

    lengths_held: whether a similarity counts the length of an embedding as constant, which lets relevance pass.
    """

    def __init__(self, whole: Any, end: End, lengths_held: bool = False) -> None:
        super().__init__()
        self.whole, self.kind, self._lengths_held = whole, end.kind, lengths_held
        references = torch.tensor([-1.0, 1.0]) if end.references is None else torch.from_numpy(end.references)
        self.register_buffer("references", references.to(_device_of(whole)), persistent=False)
        self.eval()

    def forward(self, pictures: Any) -> Any:
        scores = rows(self.whole(pictures)).float()
        if self.kind == "both sides":
            return scores * self.references
        if self.kind == "complement":
            return torch.cat([1 - scores, scores], 1)
        lengths = _lengths(scores.detach() if self._lengths_held else scores)
        return torch.nn.functional.linear(scores / lengths, self.references / _lengths(self.references))

    def named_modules(self, *args: Any, **kwargs: Any) -> Any:
        """Yield the parts of the module within, by the names that they had before."""
        yield from self.whole.named_modules(*args, **kwargs)


def _lengths(vectors: Any) -> Any:
    return vectors.norm(dim=1, keepdim=True).clamp_min(SHORTEST)


def _device_of(module: Any) -> Any:
    return next((tensor.device for tensor in module.parameters()), torch.device("cpu"))
