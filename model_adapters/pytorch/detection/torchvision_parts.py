"""Build torchvision detectors in the sizes that a state dict's shapes give, without values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection.known_detectors import (
    DenseSettings,
    DetectorSettings,
    KnownDetector,
    Levels,
    RegionSettings,
    ScaledSettings,
    SSDSettings,
    numbers,
)
from xai_core.errors import UnsupportedModel

Shapes = Mapping[str, tuple[int, ...]]
FILLING = ("uniform_", "normal_", "trunc_normal_")
SSD_HEADS = "head.classification_head.module_list"
RESNET_STAGES = (256, 512, 1024, 2048)  # their channels
SHORT_TAIL = 480  # channels of MobileNetV3's reduced tail, which it has if it was not pretrained


def region(shapes: Shapes, known: KnownDetector, settings: RegionSettings) -> Any:
    """Return a Faster R-CNN (Ren and others 2015; Lin and others 2017)."""
    parts = _detection()
    channels, anchors = shapes["rpn.head.cls_logits.weight"][1], shapes["rpn.head.cls_logits.weight"][0]
    classes, width = shapes["roi_heads.box_predictor.cls_score.weight"]
    faster = parts.faster_rcnn
    names = _pooled(shapes)
    box_head, side = _box_head(shapes, channels)
    return parts.FasterRCNN(
        _backbone(shapes, known, settings, channels),
        **_sides(settings),
        **_look(settings),
        rpn_anchor_generator=_anchors(settings, anchors, len(names) + 1, known),
        rpn_head=parts.rpn.RPNHead(channels, anchors, _depth(shapes, "rpn.head.conv")),
        box_roi_pool=_torchvision().ops.MultiScaleRoIAlign(names, side, 2),
        box_head=box_head,
        box_predictor=faster.FastRCNNPredictor(width, classes),
        rpn_pre_nms_top_n_test=settings.proposals_before,
        rpn_post_nms_top_n_test=settings.proposals,
        rpn_nms_thresh=settings.proposal_overlap,
        rpn_score_thresh=settings.proposal_least_score,
        box_score_thresh=settings.least_score,
        box_nms_thresh=settings.overlap,
        box_detections_per_img=settings.most_boxes,
    )


def dense(shapes: Shapes, known: KnownDetector, settings: DenseSettings) -> Any:
    """Return a RetinaNet (Lin and others 2017) or an FCOS (Tian and others 2019)."""
    parts = _detection()
    outputs, channels = shapes["head.classification_head.cls_logits.weight"][:2]
    anchors = shapes["head.regression_head.bbox_reg.weight"][0] // 4
    classes = outputs // anchors
    make, head = (parts.FCOS, _fcos_head) if known.centred else (parts.RetinaNet, _retina_head(known))
    return make(
        _backbone(shapes, known, settings, channels),
        classes,
        **_sides(settings),
        **_look(settings),
        anchor_generator=_anchors(settings, anchors, len(_pooled(shapes)) + 2, known),
        head=head(channels, anchors, classes),
        topk_candidates=settings.candidates,
        **_limits(settings),
    )


def ssd(shapes: Shapes, known: KnownDetector, settings: SSDSettings) -> Any:
    """Return an SSD300 (Liu and others 2016) or an SSDlite (Sandler and others 2018).

    They are built here, since torchvision's functions run the whole backbone to learn its channels, and know only one
    of SSDlite's two tails.
    """
    parts = _detection()
    make = _ssd300 if known.body == "vgg16" else _ssdlite
    backbone, head, anchors, side = make(shapes)
    options = {**_look(settings), **_limits(settings), "topk_candidates": settings.candidates}
    return parts.ssd.SSD(backbone, anchors, (side, side), head.classification_head.num_columns, head=head, **options)


def without_values() -> Any:
    """Return a context that builds modules without drawing initial weights, which would take seconds."""

    class WithoutValues(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            options = kwargs or {}
            drawn = getattr(function, "__module__", None) == "torch.nn.init" or function.__name__ in FILLING
            if drawn:
                return options["tensor"] if "tensor" in options else args[0]
            return function(*args, **options)

    return WithoutValues()


def _torchvision() -> Any:
    import_torchvision_models()
    import torchvision

    return torchvision


def _detection() -> Any:
    return import_torchvision_models().detection


def _look(settings: DetectorSettings) -> dict[str, Any]:
    mean, std = numbers(settings.mean, "mean")[0], numbers(settings.std, "std")[0]
    return {"image_mean": list(mean), "image_std": list(std)}


def _sides(settings: ScaledSettings) -> dict[str, Any]:
    return {"min_size": settings.smallest_side, "max_size": settings.largest_side}


def _limits(settings: DetectorSettings) -> dict[str, Any]:
    return {
        "score_thresh": settings.least_score,
        "nms_thresh": settings.overlap,
        "detections_per_img": settings.most_boxes,
    }


def _pooled(shapes: Shapes) -> list[str]:
    """Return the names of the pyramid's own levels, without the extra coarser ones."""
    return [str(n) for n in range(_depth(shapes, "backbone.fpn.inner_blocks"))]


def _depth(shapes: Shapes, prefix: str) -> int:
    """Return the number of numbered parts below a name."""
    start = len(prefix) + 1
    return len({name[start:].split(".")[0] for name in shapes if name.startswith(f"{prefix}.")})


def _backbone(shapes: Shapes, known: KnownDetector, settings: ScaledSettings, channels: int) -> Any:
    parts, ops = _detection().backbone_utils, _torchvision().ops
    norm: Any = {"weights": None, "norm_layer": torch.nn.BatchNorm2d}
    inner = [shapes[f"backbone.fpn.inner_blocks.{name}.0.weight"][1] for name in _pooled(shapes)]
    if known.body == "resnet50":
        norm["returned_layers"] = _matching(inner, RESNET_STAGES, first=1)
        made = parts.resnet_fpn_backbone(backbone_name=known.body, **norm)
    else:
        norm["returned_layers"] = _matching(inner, _mobile_stages(known.body))
        made = parts.mobilenet_backbone(backbone_name=known.body, fpn=True, **norm)
    normed = torch.nn.BatchNorm2d if "backbone.fpn.inner_blocks.0.1.weight" in shapes else None
    made.fpn = ops.FeaturePyramidNetwork(inner, channels, _on_top(shapes, channels), normed)
    made.out_channels = channels
    for module in made.body.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = settings.norm_epsilon
    return made


def _mobile_stages(body: str) -> list[int]:
    """Return the channels of the MobileNet stages that torchvision can build a pyramid on."""
    with torch.device("meta"):
        blocks = getattr(import_torchvision_models(), body)(weights=None).features
    halving = [number for number, block in enumerate(blocks) if getattr(block, "_is_cn", False)]
    return [blocks[number].out_channels for number in (0, *halving, len(blocks) - 1)]


def _matching(wanted: list[int], stages: Sequence[int], first: int = 0) -> list[int]:
    """Return the numbers of the last stages that have the wanted channels; ValueError if there are none.

    first: the number of the first stage.
    """
    chosen: list[int] = []
    for channels in reversed(wanted):
        end = chosen[0] - first if chosen else len(stages)
        chosen.insert(0, first + max(number for number in range(end) if stages[number] == channels))
    return chosen


def _on_top(shapes: Shapes, channels: int) -> Any:
    pyramid = _torchvision().ops.feature_pyramid_network
    first = shapes.get("backbone.fpn.extra_blocks.p6.weight")
    return pyramid.LastLevelP6P7(first[1], channels) if first else pyramid.LastLevelMaxPool()


def _anchors(settings: ScaledSettings, wanted: int, levels: int, known: KnownDetector) -> Any:
    """Return the anchor generator; UnsupportedModel if the settings give a different number than the file has."""
    ratios = numbers(settings.anchor_ratios, "anchor_ratios")[0]
    sizes: Levels = numbers(settings.anchor_sizes, "anchor_sizes")
    sizes = sizes * levels if len(sizes) == 1 else sizes
    counts = {len(level) * len(ratios) for level in sizes}
    if len(sizes) != levels or counts != {wanted}:
        offered = " or ".join(map(str, sorted(counts)))
        raise UnsupportedModel(
            f"The file has {wanted} anchors at each place of {levels} levels; the anchor sizes and ratios of "
            f"{known.name} give {offered} on {len(sizes)}. Set those that it was trained with."
        )
    return _detection().anchor_utils.AnchorGenerator(sizes, (ratios,) * levels)


def _box_head(shapes: Shapes, channels: int) -> tuple[Any, int]:
    """Return the head for regions, and the side of the grid that a region is pooled to."""
    faster = _detection().faster_rcnn
    if "roi_heads.box_head.fc6.weight" in shapes:
        width, places = shapes["roi_heads.box_head.fc6.weight"]
        side = math.isqrt(places // channels)
        return faster.TwoMLPHead(channels * side**2, width), side
    convolutions = [shapes[n][0] for n in shapes if n.startswith("roi_heads.box_head.") and len(shapes[n]) == 4]
    width, places = next(shapes[n] for n in shapes if n.startswith("roi_heads.box_head.") and len(shapes[n]) == 2)
    side = math.isqrt(places // convolutions[-1])
    size = (channels, side, side)
    return faster.FastRCNNConvFCHead(size, convolutions, [width], norm_layer=torch.nn.BatchNorm2d), side


def _retina_head(known: KnownDetector) -> Callable[..., Any]:
    norm = partial(torch.nn.GroupNorm, 32) if known.second else None
    return partial(_detection().retinanet.RetinaNetHead, norm_layer=norm)


def _fcos_head(channels: int, anchors: int, classes: int) -> Any:
    return _detection().fcos.FCOSHead(channels, anchors, classes)


def _ssd300(shapes: Shapes) -> tuple[Any, Any, Any, int]:
    """Return an SSD300's backbone, head, default boxes and picture side."""
    parts = _detection()
    vgg = import_torchvision_models().vgg
    body = SimpleNamespace(features=vgg.make_layers(vgg.cfgs["D"]))  # VGG-16 without its classifier of 500 MB
    backbone = parts.ssd._vgg_extractor(body, False, 5)
    anchors = parts.anchor_utils.DefaultBoxGenerator(
        [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
        scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
        steps=[8, 16, 32, 64, 100, 300],
    )
    counts = anchors.num_anchors_per_location()
    heads = [shapes[f"{SSD_HEADS}.{level}.weight"] for level in range(len(counts))]
    return backbone, parts.ssd.SSDHead([shape[1] for shape in heads], counts, heads[0][0] // counts[0]), anchors, 300


def _ssdlite(shapes: Shapes) -> tuple[Any, Any, Any, int]:
    """Return an SSDlite's backbone, head, default boxes and picture side."""
    parts, models = _detection(), import_torchvision_models()
    norm = partial(torch.nn.BatchNorm2d, eps=0.001, momentum=0.03)
    short = shapes["backbone.extra.0.0.0.weight"][1] == SHORT_TAIL
    body = models.mobilenet_v3_large(weights=None, norm_layer=norm, reduced_tail=short)
    anchors = parts.anchor_utils.DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
    counts = anchors.num_anchors_per_location()
    widths = [shapes[f"{SSD_HEADS}.{level}.0.0.weight"][0] for level in range(len(counts))]
    classes = shapes[f"{SSD_HEADS}.0.1.weight"][0] // counts[0]
    head = parts.ssdlite.SSDLiteHead(widths, counts, classes, norm)
    return parts.ssdlite._mobilenet_extractor(body, 6, norm), head, anchors, 320
