"""Compute the proposals of one level of a feature pyramid, with and without one of its channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from model_adapters.pytorch.detection.heads import box_ops
from xai_core.params import Size

AT_A_TIME = 2048  # places; intermediate results stay in the CPU's cache
Window = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True, eq=False)
class Proposed:
    """Proposals of one level, the best first: places (n, 4) in pixels of the inputs, scores (n,)."""

    places: Any
    scores: Any


class ProposalLevel:
    """The proposals of one level (1, K, h, w) of one image; `with_channel` gives those for one changed channel.

    A channel enters the first convolution as one term of a sum, so only that term is recomputed. Further convolutions
    run only around the boxes `wanted` (T, 4) near which proposals matter; elsewhere the results of the unchanged
    level are used.
    anchors: (h w A, 4). size: of the image among the inputs. strides: pixels of the inputs per place, down and across.
    Source of every step: torchvision.models.detection.rpn.
    """

    def __init__(
        self, rpn: Any, features: Any, anchors: Any, size: Size, wanted: Any, strides: tuple[float, float]
    ) -> None:
        self._rpn, self._features, self._anchors, self._size = rpn, features, anchors, size
        (self._first, _), *self._more = rpn.head.conv
        self._grid = (features.shape[-2], features.shape[-1])
        self._window = _around(wanted, strides, self._grid)
        self._before = _rows(self._first(features))
        hidden = _rows(self._further(_map(self._before.relu(), self._grid)))
        self._objectness, self._deltas = self._last(hidden)

    def proposed(self) -> Proposed:
        """Return the proposals of the unchanged level."""
        return self._chosen(self._objectness, lambda rows: self._deltas[rows])

    def with_channel(self, channel: int, feature_map: Any) -> Proposed:
        """Return the proposals with a channel replaced by a map (1, 1, h, w)."""
        change = feature_map - self._features[:, channel : channel + 1]
        columns = torch.nn.functional.unfold(change, 3, padding=1)[0].t().contiguous()
        weights = self._first.weight[:, channel].flatten(1).t().contiguous()
        if self._more:
            return self._near(columns, weights)
        return self._chosen(self._everywhere(columns, weights), lambda rows: self._moved(rows, columns, weights))

    def _everywhere(self, columns: Any, weights: Any) -> Any:
        """Return the objectness (h w, A) of all places. columns: (h w, 9), the change around each place."""
        last = self._rpn.head.cls_logits
        kernel, objectness = last.weight.flatten(1).t(), torch.empty_like(self._objectness)
        for start in range(0, len(objectness), AT_A_TIME):
            part = slice(start, start + AT_A_TIME)
            hidden = torch.addmm(self._before[part], columns[part], weights).relu_()
            torch.addmm(last.bias, hidden, kernel, out=objectness[part])
        return objectness

    def _moved(self, rows: Any, columns: Any, weights: Any) -> Any:
        """Return the deltas (n, 4 A) of some places."""
        hidden = torch.addmm(self._before[rows], columns[rows], weights).relu_()
        return _linear(self._rpn.head.bbox_pred, hidden)

    def _near(self, columns: Any, weights: Any) -> Proposed:
        """Return the proposals, recomputed around the boxes only."""
        wide = _enlarged(self._window, len(self._more), self._grid)
        before, new = (_cut(rows, self._grid, wide) for rows in (self._before, columns))
        hidden = _map(torch.addmm(before, new, weights).relu_(), _sides(wide))
        part = self._further(hidden)[(..., *_within(self._window, wide))]
        pairs = zip((self._objectness, self._deltas), self._last(_rows(part)), strict=True)
        objectness, deltas = (_pasted(kept, fresh, self._grid, self._window) for kept, fresh in pairs)
        return self._chosen(objectness, lambda rows: deltas[rows])

    def _further(self, feature_map: Any) -> Any:
        """Apply the convolutions after the first to its map (1, K, h, w)."""
        for part in self._more:
            feature_map = part(feature_map)
        return feature_map

    def _last(self, hidden: Any) -> tuple[Any, Any]:
        """Return objectness (n, A) and deltas (n, 4 A) of places (n, K)."""
        return _linear(self._rpn.head.cls_logits, hidden), _linear(self._rpn.head.bbox_pred, hidden)

    def _chosen(self, objectness: Any, deltas: Callable[[Any], Any]) -> Proposed:
        """Return the kept proposals. objectness: (h w, A) of all places. deltas: returns those of given rows."""
        rpn, ops, each = self._rpn, box_ops(), objectness.shape[1]
        scores, numbers = objectness.flatten().topk(min(rpn.pre_nms_top_n(), objectness.numel()))
        moved = deltas(numbers // each).view(len(numbers), each, 4)
        moved = moved.gather(1, (numbers % each)[:, None, None].expand(-1, 1, 4))[:, 0]
        places = ops.clip_boxes_to_image(rpn.box_coder.decode_single(moved, self._anchors[numbers]), self._size)
        scores = scores.sigmoid()
        stay = ops.remove_small_boxes(places, rpn.min_size)
        stay = stay[scores[stay] >= rpn.score_thresh]
        stay = stay[ops.nms(places[stay], scores[stay], rpn.nms_thresh)]
        return Proposed(places[stay], scores[stay])


def is_known(rpn: Any) -> bool:
    """Whether a proposal network is built like torchvision's: 3x3 convolutions with a ReLU each, then 1x1 ones."""
    parts = [[type(layer) for layer in part] for part in rpn.head.conv]
    return bool(parts) and all(part == [torch.nn.Conv2d, torch.nn.ReLU] for part in parts)


def _around(boxes: Any, strides: tuple[float, float], grid: Size) -> Window:
    """Return the window of a level that holds the boxes (T, 4), each widened by its own size on all sides."""
    sides = boxes[:, 2:] - boxes[:, :2]
    left, top = (boxes[:, :2] - sides).amin(dim=0).tolist()
    right, bottom = (boxes[:, 2:] + sides).amax(dim=0).tolist()
    return _span(top, bottom, strides[0], grid[0]), _span(left, right, strides[1], grid[1])


def _span(first: float, last: float, stride: float, side: int) -> slice:
    start = min(max(int(first / stride), 0), side - 1)
    return slice(start, min(max(int(last / stride) + 1, start + 1), side))


def _enlarged(window: Window, margin: int, grid: Size) -> Window:
    rows, columns = (
        slice(max(span.start - margin, 0), min(span.stop + margin, side))
        for span, side in zip(window, grid, strict=True)
    )
    return rows, columns


def _within(window: Window, wide: Window) -> Window:
    """Return the position of a window within a wider one."""
    rows, columns = (
        slice(inner.start - outer.start, inner.stop - outer.start) for inner, outer in zip(window, wide, strict=True)
    )
    return rows, columns


def _sides(window: Window) -> Size:
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start


def _cut(rows: Any, grid: Size, window: Window) -> Any:
    """Return the places (h w, K) of a grid that are in a window."""
    return rows.view(*grid, -1)[window].flatten(0, 1)


def _pasted(kept: Any, values: Any, grid: Size, window: Window) -> Any:
    """Return the places (h w, K) of a grid with the values of a window replaced."""
    whole = kept.clone()
    whole.view(*grid, -1)[window] = values.view(*_sides(window), -1)
    return whole


def _linear(layer: Any, hidden: Any) -> Any:
    """Return a 1x1 convolution of places (n, K)."""
    return torch.addmm(layer.bias, hidden, layer.weight.flatten(1).t())


def _rows(feature_map: Any) -> Any:
    """Return a map (1, K, h, w) as its places (h w, K)."""
    return feature_map[0].flatten(1).t().contiguous()


def _map(rows: Any, grid: Size) -> Any:
    """Return places (h w, K) as a map (1, K, h, w)."""
    return rows.view(1, *grid, -1).permute(0, 3, 1, 2)
