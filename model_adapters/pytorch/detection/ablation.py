"""Ablate channels of a Faster R-CNN's feature pyramid near some boxes, without a full pass for each channel.

Only the channel's own level gives new proposals, and only those near the boxes are evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection.heads import Outputs, box_ops
from model_adapters.pytorch.detection.image_pass import ChannelOff, ImagePass
from model_adapters.pytorch.detection.proposals import ProposalLevel, Proposed, is_known
from model_adapters.pytorch.detection.region_heads import RegionHeads

NEAR = 0.2  # least IoU with a box of a proposal that may become it, or suppress one that may
LOOKED_AT = 256  # regions at once, so that the box head's weights are read once for all of them


@dataclass(frozen=True, eq=False)
class Regions:
    """Proposals of a level near the boxes: places (n, 4) and pooled features (n, K, side, side).

    numbers: (n,) among all proposals of the level. sources: (n,) which level each is pooled from.
    """

    places: Any
    numbers: Any
    pooled: Any
    sources: Any

    def chosen(self, which: Any) -> Regions:
        """Return some of them, by a mask."""
        return Regions(self.places[which], self.numbers[which], self.pooled[which], self.sources[which])


@dataclass(frozen=True, eq=False)
class Change:
    """The proposals near the boxes after a change: outputs that are unchanged, and regions still to be evaluated."""

    same: list[Outputs]
    places: Any
    pooled: Any


class ChannelsOff:
    """One image whose channels are set to a value, one at a time; the module and the features are not changed.

    wanted: corners (T, 4), in pixels of the inputs, near which boxes are looked for. Proposals that overlap none of
    them by `least_iou` are dropped, with every box that they would become; otherwise the boxes near `wanted` are those
    of a full pass. Needs `applies_to`.
    Source: Desai, Ramaswamy, Ablation-CAM, 2020, WACV, for the method; torchvision.models.detection for the steps.
    """

    def __init__(self, heads: RegionHeads, image_pass: ImagePass, wanted: Any, least_iou: float = NEAR) -> None:
        self._heads, self._pass, self._least_iou = heads, image_pass, least_iou
        self.wanted = wanted
        self._sources = list(heads.module.roi_heads.box_roi_pool.featmap_names)
        self._levels = _proposal_levels(heads, image_pass, wanted)
        self._proposed = {name: level.proposed() for name, level in self._levels.items()}
        self._regions = {name: self._near(proposed) for name, proposed in self._proposed.items()}
        self._outputs = {
            name: self._looked_at(regions.places, regions.pooled) for name, regions in self._regions.items()
        }

    def outputs(self, channels: Sequence[ChannelOff]) -> Iterator[Outputs]:
        """Yield the outputs near the boxes with a channel off, for each of `channels`."""
        waiting: list[Change] = []
        for off in channels:
            waiting.append(self._change(off.level, off.channel, off.changed(self._pass.features)))
            if sum(len(change.places) for change in waiting) >= LOOKED_AT:
                yield from self._answered(waiting)
                waiting = []
        yield from self._answered(waiting)

    def _change(self, level: str, channel: int, feature_map: Any) -> Change:
        proposed = self._proposed | {level: self._levels[level].with_channel(channel, feature_map)}
        stay = _best(proposed, self._heads.module.rpn.post_nms_top_n())
        source = self._sources.index(level) if level in self._sources else -1
        same, regions = [], []
        for name, mask in stay.items():
            near = self._near(proposed[name]) if name == level else self._regions[name]
            new = (near.sources == source) | (name == level)
            same.append(self._outputs[name].chosen(mask[near.numbers] & ~new)) if name != level else None
            regions.append(near.chosen(mask[near.numbers] & new))
        parts = ("places", "pooled", "sources")
        places, pooled, sources = (
            torch.cat([getattr(level_regions, part) for level_regions in regions]) for part in parts
        )
        own = sources == source
        pooled[own, channel] = self._pooled(feature_map, places[own], source)[:, 0]
        return Change(same, places, pooled)

    def _pooled(self, feature_map: Any, places: Any, source: int) -> Any:
        """Pool a map (1, K, h, w) that replaces a level at places (n, 4)."""
        import_torchvision_models()
        from torchvision import ops

        pool = self._heads.module.roi_heads.box_roi_pool
        return ops.roi_align(feature_map, [places], pool.output_size, pool.scales[source], pool.sampling_ratio)

    def _answered(self, changes: list[Change]) -> Iterator[Outputs]:
        """Yield the outputs after each change, evaluated in one batch."""
        if not changes:
            return
        predictions = self._heads.predicted(torch.cat([change.pooled for change in changes]))
        counts = [len(change.places) for change in changes]
        for change, logits, deltas in zip(changes, *(part.split(counts) for part in predictions), strict=True):
            yield _together([*change.same, Outputs(logits, deltas, change.places)])

    def _near(self, proposed: Proposed) -> Regions:
        shares = box_ops().box_iou(proposed.places, self.wanted)
        numbers = torch.where((shares >= self._least_iou).any(dim=1))[0]
        places, pool = proposed.places[numbers], self._heads.module.roi_heads.box_roi_pool
        pooled = pool(self._pass.features, [places], self._pass.inputs.image_sizes)
        single = pool.map_levels is None or len(self._sources) == 1
        return Regions(places, numbers, pooled, torch.zeros_like(numbers) if single else pool.map_levels([places]))

    def _looked_at(self, places: Any, pooled: Any) -> Outputs:
        return Outputs(*self._heads.predicted(pooled), places)


def applies_to(module: Any) -> bool:
    """Whether the proposals and the pooling of a module are as torchvision builds them."""
    return is_known(module.rpn) and hasattr(module.roi_heads.box_roi_pool, "featmap_names")


def near(heads: RegionHeads, image_pass: ImagePass, wanted: Any) -> ChannelsOff:
    """Return the ablation near some boxes (T, 4); it is cached with the image until other boxes are requested."""
    kept, image_pass.ablation = image_pass.ablation, None  # frees its memory before more is allocated
    if not isinstance(kept, ChannelsOff) or not torch.equal(kept.wanted, wanted):
        kept = None
        kept = ChannelsOff(heads, image_pass, wanted)
    image_pass.ablation = kept
    return kept


def _proposal_levels(heads: RegionHeads, image_pass: ImagePass, wanted: Any) -> dict[str, ProposalLevel]:
    rpn, padded = heads.module.rpn, image_pass.inputs.tensors.shape[-2:]
    grids = {name: tuple(feature_map.shape[-2:]) for name, feature_map in image_pass.features.items()}
    (anchors,) = rpn.anchor_generator(image_pass.inputs, list(image_pass.features.values()))
    each = len(anchors) // sum(height * width for height, width in grids.values())
    parts = anchors.split([each * height * width for height, width in grids.values()])
    return {
        name: ProposalLevel(
            rpn, image_pass.features[name], part, image_pass.size, wanted, (padded[0] / grid[0], padded[1] / grid[1])
        )
        for (name, grid), part in zip(grids.items(), parts, strict=True)
    }


def _best(proposed: dict[str, Proposed], most: int) -> dict[str, Any]:
    """Return masks (n,) of the proposals of each level that are among the best of all levels."""
    scores = [level.scores for level in proposed.values()]
    together = torch.cat(scores)
    mask = torch.zeros_like(together, dtype=torch.bool)
    mask[together.sort(descending=True)[1][:most]] = True
    return dict(zip(proposed, mask.split([len(level_scores) for level_scores in scores]), strict=True))


def _together(parts: list[Outputs]) -> Outputs:
    return Outputs(*(torch.cat([getattr(part, name) for part in parts]) for name in ("logits", "deltas", "places")))
