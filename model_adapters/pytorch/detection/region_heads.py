"""The heads of Faster R-CNN and related detectors: proposals, and what each contains."""

from __future__ import annotations

from typing import Any

import torch

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection.heads import Boxes, Features, Heads, Outputs, box_ops

LEAST_SIDE = 1e-2  # pixels; smaller boxes are dropped


class RegionHeads(Heads):
    """The heads of a torchvision GeneralizedRCNN; rows are proposals."""

    def everywhere(self, maps: list[Any]) -> Features:
        objectness, deltas = self.module.rpn.head(maps)
        levels = [(f"objectness {level}", feature_map) for level, feature_map in enumerate(objectness)]
        return dict(levels + [(f"deltas {level}", feature_map) for level, feature_map in enumerate(deltas)])

    def outputs(self, features: Features, inputs: Any, everywhere: Features | None = None) -> list[Outputs]:
        maps = list(features.values())
        proposals = self.proposals(maps, inputs, self.everywhere(maps) if everywhere is None else everywhere)
        return self.looked_at(features, proposals, inputs.image_sizes)

    def proposals(self, maps: list[Any], inputs: Any, everywhere: Features) -> list[Any]:
        """Return the proposals (R, 4) of each image, in pixels of the inputs."""
        rpn, head_maps = self.module.rpn, list(everywhere.values())
        counts = [feature_map[0].numel() for feature_map in head_maps[: len(maps)]]
        objectness, deltas = _rpn().concat_box_prediction_layers(head_maps[: len(maps)], head_maps[len(maps) :])
        anchors = rpn.anchor_generator(inputs, maps)
        places = rpn.box_coder.decode(deltas, anchors).view(len(anchors), -1, 4)
        return list(rpn.filter_proposals(places, objectness, inputs.image_sizes, counts)[0])

    def looked_at(self, features: Features, proposals: list[Any], sizes: list[tuple[int, int]]) -> list[Outputs]:
        """Return the outputs for the proposals (R, 4) of each image. sizes: of the images, without padding."""
        logits, deltas = self.predicted(self.module.roi_heads.box_roi_pool(features, proposals, sizes))
        counts = [len(boxes) for boxes in proposals]
        pairs = zip(logits.split(counts), deltas.split(counts), proposals, strict=True)
        return [Outputs(*three) for three in pairs]

    def predicted(self, pooled: Any) -> tuple[Any, Any]:
        """Return logits (R, C) and deltas (R, 4 C) of pooled regions (R, K, side, side)."""
        heads = self.module.roi_heads
        hidden = heads.box_head(pooled)
        with torch.autocast(hidden.device.type, enabled=False):  # in float32, so that corners are not rounded
            logits, deltas = heads.box_predictor(hidden.float())
        return logits, deltas

    def scores(self, outputs: Outputs) -> Any:
        return torch.softmax(outputs.logits, -1)

    def candidates(self, outputs: Outputs, size: tuple[int, int], floor: float) -> Boxes:
        scores = self.scores(outputs)
        rows, columns = torch.where(scores[:, 1:] > floor)
        labels = columns + 1
        corners = box_ops().clip_boxes_to_image(self.decoded(outputs, rows, labels), size)
        boxes = Boxes(corners, labels, scores[rows, labels], rows)
        return boxes.chosen(box_ops().remove_small_boxes(corners, LEAST_SIDE))

    def again(self, features: Features, inputs: Any, outputs: Outputs, row: int) -> Outputs:
        return self.looked_at(features, [outputs.places[row : row + 1]], inputs.image_sizes)[0]

    def decoded(self, outputs: Outputs, rows: Any, labels: Any) -> Any:
        chosen = outputs.deltas.unflatten(1, (-1, 4))[rows, labels]
        return self.module.roi_heads.box_coder.decode_single(chosen, outputs.places[rows])

    def settle(self, features: Features, size: tuple[int, int]) -> None:
        """Let the pooling infer the strides of its levels, which it does once, from the first picture it sees."""
        whole = next(iter(features.values())).new_tensor([[0, 0, size[1], size[0]]])
        self.module.roi_heads.box_roi_pool(features, [whole], [size])

    @property
    def columns(self) -> int:
        return int(self.module.roi_heads.box_predictor.cls_score.out_features)

    @property
    def overlap(self) -> float:
        return float(self.module.roi_heads.nms_thresh)

    @property
    def most_boxes(self) -> int:
        return int(self.module.roi_heads.detections_per_img)

    @property
    def background(self) -> bool:
        return True


def _rpn() -> Any:
    return import_torchvision_models().detection.rpn
