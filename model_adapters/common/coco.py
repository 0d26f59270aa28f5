"""The COCO classes, which detectors of several frameworks are trained on."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def coco_labels() -> tuple[str, ...]:
    """Return torchvision's 90 names of the COCO classes; numbers that COCO does not use are "N/A"."""
    return tuple(json.loads(files(__package__).joinpath("data/coco_classes.json").read_text("utf-8")))
