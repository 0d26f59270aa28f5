"""Run in a process of its own: boxes of blood cells explained by Vitrine and by pytorch-grad-cam.

python boxes_beside_grad_cam.py ASSETS OUT.npz writes arrays "WHAT ours" and "WHAT theirs", and what sets them apart.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pytorch_grad_cam import AblationCAM, EigenCAM
from pytorch_grad_cam.ablation_layer import AblationLayer, AblationLayerFasterRCNN
from pytorch_grad_cam.utils.model_targets import FasterRCNNBoxScoreTarget
from pytorch_grad_cam.utils.reshape_transforms import fasterrcnn_reshape_transform
from torch_detectors import opened

from xai_core.detection.levels import first_component_on, grid_of, pyramid
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import FLOOR
from xai_core.detection.targets import worths
from xai_core.detector import BoxTarget

LEVELS = ("0", "1", "pool")
STARTS = (0, 256, 1024)  # where pytorch-grad-cam counts the channels of each level from
CHANNELS = np.array([(level, number) for level in range(3) for number in range(5, 256, 32)])
VALUE, LEAST_SCORE, RATIO = -1000.0, 0.05, 0.1
PICTURES = 6


class Chosen(AblationLayerFasterRCNN):
    """Asks about given channels instead of those of a ratio."""

    def __init__(self, channels):
        super().__init__()
        self.channels = [STARTS[level] + number for level, number in channels]

    def activations_to_be_ablated(self, activations, ratio_channels_to_ablate=1.0):
        self.indices = np.int32(self.channels)
        return self.indices


class Scores(AblationCAM):
    """Keeps what the target is worth without each channel, in the order in which they are asked about."""

    def assemble_ablation_scores(self, new_scores, original_score, ablated_channels, number_of_channels):
        self.weights = (original_score - np.array(new_scores)) / original_score
        return [original_score] * number_of_channels


class Components(EigenCAM):
    """Keeps the first component as it is before it is cut and stretched."""

    def get_cam_image(self, *given):
        self.component = super().get_cam_image(*given)
        return self.component


def targets_in(detector, image):
    (found,) = detector.detect(image[None], 0.5)
    return [BoxTarget.of(found, number) for number in (0, len(found) // 2)]


def eigen_cams(detector, image):
    maps = pyramid(DetectionModel(detector), image, LEVELS, True)
    method = Components(detector.module, [detector.module.backbone], fasterrcnn_reshape_transform)
    method(planes(image), targets=[])
    return first_component_on(maps, grid_of(maps, "coarsest")), method.component[0]


def our_weights(detector, image, targets):
    found = detector.detect(image[None], FLOOR) + detector.without_channels(image, CHANNELS, VALUE, targets, FLOOR)
    whole, *left = worths(found, targets, "score", 0.5, np.ones(len(targets), np.float32))
    return ((whole - np.stack(left)) / whole).T


def their_weights(detector, image, target):
    layer = Chosen(CHANNELS)
    method = Scores(detector.module, [detector.module.backbone], fasterrcnn_reshape_transform, layer, batch_size=8)
    method(planes(image), targets=[wanted(target)])
    return method.weights


def asked_for_a_ratio(detector, image):
    """Return the share of the channels that is asked about where `RATIO` is given."""
    features = fasterrcnn_reshape_transform(detector.pass_over(image).features)[0].numpy()
    return len(AblationLayer().activations_to_be_ablated(features, RATIO)) / len(features)


def breaks(detector, image, target):
    """Return whether asking about a third level raises KeyError, and whether the module is another one afterwards."""
    backbone, layer = detector.module.backbone, Chosen([(0, 512)])
    try:
        AblationCAM(detector.module, [backbone], fasterrcnn_reshape_transform, layer)(
            planes(image), targets=[wanted(target)]
        )
    except KeyError:
        return True, detector.module.backbone is not backbone
    finally:
        detector.module.backbone = backbone
    return False, False


def wanted(target):
    return FasterRCNNBoxScoreTarget([target.label + 1], target.array)


def planes(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].contiguous()


def main():
    torch.set_num_threads(1)
    assets, out = Path(sys.argv[1]), sys.argv[2]
    detector = opened(assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth")
    files = sorted((assets / "datasets/bccd/JPEGImages").glob("*.jpg"))[:PICTURES]
    images = [np.asarray(Image.open(file).convert("RGB"), np.float32) / 255 for file in files]
    components = [eigen_cams(detector, image) for image in images]
    image = images[0]
    targets = targets_in(detector, image)
    found = {"eigencam ours": [ours for ours, _ in components], "eigencam theirs": [theirs for _, theirs in components]}
    found["ablationcam ours"] = our_weights(detector, image, targets)
    found["ablationcam theirs"] = [their_weights(detector, image, target) for target in targets]
    found["asked for a ratio"] = asked_for_a_ratio(detector, image)
    found["breaks"] = breaks(detector, image, targets[0])
    np.savez(out, **found)


if __name__ == "__main__":
    main()
