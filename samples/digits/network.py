"""The digit detector: torchvision's Faster R-CNN on MobileNetV2 with a feature pyramid and a small box head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import mobilenet_backbone
from torchvision.models.detection.faster_rcnn import AnchorGenerator, FastRCNNPredictor, TwoMLPHead

NAMES = tuple("0123456789")  # class 0 is the background, so digit d is class d + 1
REPRESENTATION = 128
STAGES = [3, 4]  # strides of 16 and 32 pixels; the usual last two both have 32, nearly the size of a small digit
FOR_TRAINING = {
    "rpn_pre_nms_top_n_train": 300,
    "rpn_post_nms_top_n_train": 150,
    "rpn_batch_size_per_image": 128,
    "box_batch_size_per_image": 64,
}


def build() -> FasterRCNN:
    """Return the untrained detector (Ren et al. 2015; Lin et al. 2017); inputs (3, H, W) RGB in 0..1."""
    backbone = mobilenet_backbone(
        backbone_name="mobilenet_v2", weights=None, fpn=True, trainable_layers=6, returned_layers=STAGES
    )
    anchors = AnchorGenerator(((16, 32, 64, 128, 256),) * 3, ((0.5, 1.0, 2.0),) * 3)
    head = TwoMLPHead(backbone.out_channels * 7 * 7, REPRESENTATION)
    predictor = FastRCNNPredictor(REPRESENTATION, len(NAMES) + 1)
    numbers: dict[str, Any] = {"min_size": 256, "max_size": 341, "box_score_thresh": 0.05, **FOR_TRAINING}
    numbers |= {"rpn_pre_nms_top_n_test": 300, "rpn_post_nms_top_n_test": 150}
    return FasterRCNN(backbone, rpn_anchor_generator=anchors, box_head=head, box_predictor=predictor, **numbers)


def start_from_imagenet(model: FasterRCNN, weights: Path) -> None:
    """Copy the features of a MobileNetV2 classifier into the backbone, batch norm statistics included."""
    classifier = torch.load(weights, map_location="cpu", weights_only=True)
    features = {k.removeprefix("features."): v for k, v in classifier.items() if k.startswith("features.")}
    model.backbone.body.load_state_dict({name: features[name] for name in model.backbone.body.state_dict()})
