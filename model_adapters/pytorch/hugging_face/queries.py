"""Maps of networks whose queries each give classes and a mask, such as Mask2Former, added up as transformers does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from model_adapters.pytorch.segmentation.maps import Maps
from xai_core.params import Size

NAMES = (("class_queries_logits", "masks_queries_logits"), ("logits", "pred_masks"))
MASK2FORMER = (384, 384)  # the grid on which transformers adds up its masks, at every input size


@dataclass(frozen=True)
class QueryMaps(Maps):
    """Maps added up over queries: the probability of a class, without "no object", times the mask at a pixel.

    grid: the size to which the logits of masks are enlarged first, None to leave them as they are.
    """

    grid: Size | None = None

    def raw(self, returned: Any) -> Any:
        classes, masks = self._parts(returned)
        return torch.einsum("nqk,nqhw->nkhw", classes, masks)

    def _means(self, returned: Any) -> Any:
        classes, masks = self._parts(returned)  # the mean of a sum over queries is the sum of their means
        return torch.einsum("nqk,nq->nk", classes, self._averaged(masks))

    def _parts(self, returned: Any) -> tuple[Any, Any]:
        """Return the probabilities (N, Q, K) of classes, and masks (N, Q, h, w) in 0..1."""
        logits, masks = next((returned[a], returned[b]) for a, b in NAMES if a in returned)
        if self.grid:
            masks = torch.nn.functional.interpolate(masks, self.grid, mode="bilinear", align_corners=False)
        return logits.softmax(-1)[..., :-1], masks.sigmoid()


def grid_of(model_type: str, config: Any) -> Size | None:
    """Return the size to which transformers enlarges the masks of a type of model before it adds them up."""
    if model_type == "mask2former":
        return MASK2FORMER
    if model_type.startswith("eomt"):
        return int(config.image_size), int(config.image_size)
    return None
