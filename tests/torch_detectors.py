"""Detectors of torchvision that tests look into, with random weights that find something."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from model_adapters.files import preflight
from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection import known_detectors
from model_adapters.pytorch.detection.open import load as load_detector
from model_adapters.pytorch.detection.torchvision_parts import without_values
from xai_core.types import ModelSource

SMALL = {"smallest_side": 96, "largest_side": 160}  # so that tests are quick
FEW = {"proposals": 40}
IN_TORCHVISION = {"smallest_side": "min_size", "largest_side": "max_size", "proposals": "rpn_post_nms_top_n_test"}
DAMPED = {"backbone.features.0.weight": 0.01, "backbone.fpn.inner_blocks": 0.1}  # nothing else keeps these in bounds
LAST = ("bbox_pred", "bbox_reg", "cls_score", "cls_logits")
OWN_FUNCTION = tuple(
    name for name in known_detectors.names() if "mobilenet_v2" not in name
)  # torchvision can build these


@dataclass(frozen=True)
class Family:
    """A module as torchvision builds it, and the settings that it was built with."""

    name: str
    module: torch.nn.Module
    settings: dict[str, int]

    @property
    def reading(self) -> str:
        return json.dumps(self.settings)


def family(name, classes=4, **others):
    """Return a detector of torchvision with random weights; `classes` counts the background, `others` are options."""
    known = known_detectors.named(name).settings
    settings = {key: value for key, value in {**SMALL, **FEW}.items() if hasattr(known, key)}
    options = {"weights_backbone": None} | {IN_TORCHVISION[key]: value for key, value in settings.items()} | others
    make = getattr(import_torchvision_models().detection, name.removeprefix("torchvision/"))
    with without_values():
        module = make(weights=None, num_classes=classes, **options)
    return Family(name, lively(module), settings)


def lively(module):
    """Fill a module with random weights whose activations neither vanish nor explode, and whose boxes have sides."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            _fill(name, parameter)
        for part in module.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.momentum = 1.0
        module.train().backbone(torch.randn(2, 3, *(module.transform.fixed_size or (128, 128))))
    return module.eval()


def _fill(name, parameter):
    if parameter.dim() > 1:
        last = 0.1 if name.split(".")[-2] in LAST or "head.module_list" in name else 1
        damped = next((share for start, share in DAMPED.items() if name.startswith(start)), last)
        parameter.normal_(std=damped * (2 / parameter[0].numel()) ** 0.5)
    elif name.endswith("scale_weight"):
        parameter.fill_(20)
    else:
        parameter.fill_(0 if name.endswith("bias") else 1)


def saved(content, folder, name="upload.pth"):
    path = Path(folder) / name
    torch.save(content, path)
    return path


def opened(path, architecture=None, reading="", digest=""):
    source = ModelSource(str(path), "upload", digest, architecture, task="detect", reading=reading)
    return load_detector(source, preflight.inspect(str(path)), str(Path(path).parent))


def directly(module, image):
    """Return what torchvision itself finds in an image (H, W, 3), as arrays."""
    with torch.no_grad():
        answer = module([torch.from_numpy(image).permute(2, 0, 1).contiguous()])
    found = answer[1][0] if isinstance(answer, tuple) else answer[0]
    return {name: found[name].numpy() for name in ("boxes", "labels", "scores")}


def picture(height=120, width=200, seed=0):
    """Return a picture (H, W, 3) of soft blobs of colour."""
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return np.ascontiguousarray(fine[0].clamp(0, 1).permute(1, 2, 0).numpy())


def weights_of(module):
    """Return a digest of all weights and buffers."""
    found = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        found.update(name.encode() + tensor.cpu().numpy().tobytes())
    return found.hexdigest()
