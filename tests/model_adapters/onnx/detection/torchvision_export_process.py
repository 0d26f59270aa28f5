"""Exports torchvision's Faster R-CNN with weights for blood cells to ONNX, and says what it finds in a picture.

Exporting warns a lot and takes memory, so tests start a process: `torchvision_export_process.py FOLDER ASSETS`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image


def built(assets: Path) -> torch.nn.Module:
    spec = importlib.util.spec_from_file_location("built", assets / "models/detection/build_fasterrcnn_bccd.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth").float()


def main(folder: Path, assets: Path) -> None:
    model = built(assets)
    picture = Image.open(assets / "datasets/bccd/JPEGImages/BloodImage_00007.jpg").convert("RGB")
    image = torch.from_numpy(np.asarray(picture, np.float32) / 255).permute(2, 0, 1)
    torch.onnx.export(
        model,
        ([image],),
        folder / "alone.onnx",
        dynamo=False,
        opset_version=17,
        input_names=["images"],
        output_names=["boxes", "labels", "scores"],
        dynamic_axes={"images": {1: "height", 2: "width"}},
    )
    with torch.inference_mode():
        (found,) = model([image])
    np.savez(folder / "found.npz", image=image.permute(1, 2, 0).numpy(), **{k: v.numpy() for k, v in found.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
