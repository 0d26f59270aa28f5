"""What a file answers once it is open, in a word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import vitrine
from vitrine.folders import built_samples_folder
from vitrine.pictures import as_picture

CAT_PHOTO = built_samples_folder() / "pictures" / "cat.png"
MODELS = built_samples_folder() / "models"
CAT = "Egyptian cat"  # what the sample network sees in that photo


def most_probable_class(path: Path, options: Mapping[str, Any]) -> str:
    """Return the name of the class that a classifier finds in the photo of a cat."""
    with vitrine.load(path, pictures=CAT_PHOTO, **options) as model:
        return str(model.predict(CAT_PHOTO).top(1).rows[0]["label"])


def number_of_boxes(path: Path, options: Mapping[str, Any]) -> str:
    """Return how many boxes a detector finds in the photo of a cat."""
    with vitrine.load(path, task="detect", **options) as model:
        return f"{len(model.detect(CAT_PHOTO, threshold=0.2).rows)} boxes"


def largest_segment(path: Path, options: Mapping[str, Any]) -> str:
    """Return the class that most pixels of the photo of a cat have."""
    with vitrine.load(path, **options) as model:
        return str(model.segment(CAT_PHOTO).rows[0]["label"])


def share_of_pictures_right(path: Path, options: Mapping[str, Any]) -> str:
    """Return the accuracy in a table of predictions."""
    figures = {row["figure"]: row["value"] for row in vitrine.bias(path, **options).summary.rows}
    return f"accuracy {figures['accuracy']:.2f}"


def size_and_grey(path: Path, options: Mapping[str, Any]) -> str:
    """Return the size of a picture in pixels, and the mean of its values in steps of 16."""
    pixels = as_picture(path, **options).pixels
    return f"{pixels.shape[1]} x {pixels.shape[0]}, grey {round(float(np.mean(pixels)) / 16) * 16}"
