"""The heads of detectors that evaluate every anchor at once: RetinaNet, FCOS, SSD."""

from __future__ import annotations

from typing import Any

import torch

from model_adapters.pytorch.detection.heads import Boxes, Features, Heads, Outputs, box_ops


class AnchorHeads(Heads):
    """What RetinaNet, FCOS and SSD have in common; rows are anchors, level by level."""

    def __init__(self, module: Any, background: bool = True) -> None:
        super().__init__(module)
        self._background = background

    def everywhere(self, maps: list[Any]) -> Features:
        return dict(self.module.head(maps))

    def outputs(self, features: Features, inputs: Any, everywhere: Features | None = None) -> list[Outputs]:
        maps = list(features.values())
        made = self.everywhere(maps) if everywhere is None else everywhere
        anchors = self.module.anchor_generator(inputs, maps)
        counts = self._counts(maps, made["cls_logits"].shape[1])
        centred = made.get("bbox_ctrness", [None] * len(anchors))
        parts = zip(made["cls_logits"], made["bbox_regression"], anchors, centred, strict=True)
        return [Outputs(*four, counts) for four in parts]

    def decoded(self, outputs: Outputs, rows: Any, labels: Any) -> Any:
        return self.module.box_coder.decode_single(outputs.deltas[rows], outputs.places[rows])

    @property
    def overlap(self) -> float:
        return float(self.module.nms_thresh)

    @property
    def most_boxes(self) -> int:
        return int(self.module.detections_per_img)

    @property
    def background(self) -> bool:
        return self._background

    def _counts(self, maps: list[Any], rows: int) -> tuple[int, ...]:
        """Return the number of rows of each level; every place has the same number of anchors."""
        places = [feature_map.shape[-2] * feature_map.shape[-1] for feature_map in maps]
        return tuple(count * (rows // sum(places)) for count in places)


class DenseHeads(AnchorHeads):
    """The heads of RetinaNet: one for all levels, a sigmoid for each class."""

    @property
    def columns(self) -> int:
        return int(self.module.head.classification_head.num_classes)

    def scores(self, outputs: Outputs) -> Any:
        return torch.sigmoid(outputs.logits)

    def candidates(self, outputs: Outputs, size: tuple[int, int], floor: float) -> Boxes:
        classes = outputs.logits.shape[1]
        levels = self.scores(outputs).split(outputs.counts)
        chosen, scores, start = [], [], 0
        for level in levels:
            best, numbers = self._best(level.flatten(), floor)
            scores.append(best)
            chosen.append(numbers + start * classes)
            start += len(level)
        numbers = torch.cat(chosen)
        rows, labels = numbers.div(classes, rounding_mode="floor"), numbers % classes
        corners = box_ops().clip_boxes_to_image(self.decoded(outputs, rows, labels), size)
        return Boxes(corners, labels, torch.cat(scores), rows)

    def again(self, features: Features, inputs: Any, outputs: Outputs, row: int) -> Outputs:
        number, before = self._level_of(outputs, row)
        made = self.module.head([list(features.values())[number]])
        at = slice(row - before, row - before + 1)
        centred = made["bbox_ctrness"][0, at] if "bbox_ctrness" in made else None
        place = outputs.places[row : row + 1]
        return Outputs(made["cls_logits"][0, at], made["bbox_regression"][0, at], place, centred)

    def _best(self, scores: Any, floor: float) -> tuple[Any, Any]:
        """Return the best scores above the floor and their indices, as many as the module takes per level."""
        numbers = torch.where(scores > floor)[0]
        best, order = scores[numbers].topk(min(len(numbers), self.module.topk_candidates))
        return best, numbers[order]

    def _level_of(self, outputs: Outputs, row: int) -> tuple[int, int]:
        """Return the number of the level that a row lies in, and how many rows come before it."""
        before = 0
        for number, count in enumerate(outputs.counts):
            if row < before + count:
                return number, before
            before += count
        raise IndexError(row)


class CentredHeads(DenseHeads):
    """The heads of FCOS: one anchor per place, with a score for how central it is in its box."""

    def scores(self, outputs: Outputs) -> Any:
        return torch.sqrt(torch.sigmoid(outputs.logits) * torch.sigmoid(outputs.centred))

    def decoded(self, outputs: Outputs, rows: Any, labels: Any) -> Any:
        return self.module.box_coder.decode(outputs.deltas[rows], outputs.places[rows])


class SSDHeads(AnchorHeads):
    """The heads of SSD: one for each level, a softmax over the classes."""

    @property
    def columns(self) -> int:
        return int(self.module.head.classification_head.num_columns)

    def _counts(self, maps: list[Any], rows: int) -> tuple[int, ...]:
        return ()  # its levels have different numbers of anchors, and nothing here needs them

    def scores(self, outputs: Outputs) -> Any:
        return torch.softmax(outputs.logits, -1)

    def candidates(self, outputs: Outputs, size: tuple[int, int], floor: float) -> Boxes:
        scores = self.scores(outputs)
        kept, classes = self.module.topk_candidates, scores.shape[1]
        rows, labels = [], []
        for label in range(1, classes):
            numbers = torch.where(scores[:, label] > floor)[0]
            best = scores[numbers, label].topk(min(len(numbers), kept)).indices
            rows.append(numbers[best])
            labels.append(torch.full_like(rows[-1], label))
        row, label = torch.cat(rows), torch.cat(labels)
        corners = box_ops().clip_boxes_to_image(self.decoded(outputs, row, label), size)
        return Boxes(corners, label, scores[row, label], row)

    def again(self, features: Features, inputs: Any, outputs: Outputs, row: int) -> Outputs:
        made = self.module.head(list(features.values()))
        at = slice(row, row + 1)
        return Outputs(made["cls_logits"][0, at], made["bbox_regression"][0, at], outputs.places[at])
