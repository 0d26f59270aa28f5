"""Find the preprocessing of a folder by trying its image processor on pictures whose every pixel is known.

Each processor of transformers reads its settings in a way of its own. Flat pictures show what it does to values, ramps
show which part of a picture it keeps.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from model_adapters.pytorch.hugging_face.folder import Folder
from model_adapters.pytorch.hugging_face.library import library
from xai_core.errors import ParamError
from xai_core.preprocessing import Fit, Preprocessing, Resample

FILE, PROCESSOR_FILE = "preprocessor_config.json", "processor_config.json"
TRIED = (96, 128)  # height and width in pixels, not square, so that crop and squash differ
LARGEST_SIDE = 4096
ALIKE = 0.02  # of a share of the picture
WHOLE_BYTES = 0.02  # standard deviations below it belong to values in 0..255
RESAMPLING: dict[int, Resample] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers
SHARED = {"rt_detr_v2": "rt_detr", "d_fine": "rt_detr", "dab-detr": "conditional_detr"}  # whose processor they use
SAYS_SO = "{file} says so."
UNREAD = "Vitrine cannot follow the preprocessing in {file}; it tried the usual ones instead."
LOOSE = (
    "From {file}, with one difference: it keeps pictures of any proportions, but Vitrine keeps the square in the "
    "middle."
)
SQUARE = (
    "From {file}, with one difference: it keeps the proportions of a picture, but Vitrine stretches it to a square, so "
    "that every pixel gets a class."
)
STRETCHED = (
    "From {file}, with one difference: it stretches a picture to a square and then crops, but Vitrine keeps the "
    "proportions."
)


@dataclass(frozen=True)
class Look:
    """A preprocessing, None if the folder describes none, and a sentence on where it comes from."""

    preprocessing: Preprocessing | None
    reason: str


def look_in(folder: Folder, model_type: str, channels: int, whole: bool = False) -> Look:
    """Return the preprocessing that a folder describes for pictures with some channels.

    whole: whether pictures of any proportions are stretched to a square, instead of cropped, if the folder keeps them.
    """
    name, values = settings_in(folder)
    if values is None:
        return Look(None, "")
    try:
        with warnings.catch_warnings(action="ignore"):
            return _tried(processor_of(values, model_type), channels, name, whole)
    except Exception:  # processors check their settings in many ways
        return Look(None, UNREAD.format(file=name))


def settings_in(folder: Folder) -> tuple[str, dict[str, Any] | None]:
    """Return the settings of a folder's image processor with the name of their file; None if there are none."""
    if (values := folder.json(FILE)) is not None:
        return FILE, values
    values = (folder.json(PROCESSOR_FILE) or {}).get("image_processor")
    return PROCESSOR_FILE, values if isinstance(values, dict) else None


def processor_of(values: Mapping[str, Any], model_type: str) -> Any:
    """Return the image processor of transformers with these settings; it may raise anything."""
    auto = library("models.auto.image_processing_auto")
    named = str(values.get("image_processor_type") or values.get("feature_extractor_type") or "")
    name = named.replace("FeatureExtractor", "ImageProcessor").removesuffix("Fast").removesuffix("Pil")
    known = {kinds["torchvision"] for kinds in auto.IMAGE_PROCESSOR_MAPPING_NAMES.values() if kinds.get("torchvision")}
    usual = (auto.IMAGE_PROCESSOR_MAPPING_NAMES.get(SHARED.get(model_type, model_type)) or {}).get("torchvision")
    kind = auto.get_image_processor_class_from_name(name if name in known else usual)
    _check_sides(values)
    return kind.from_dict({key: value for key, value in values.items() if key != "auto_map"})


def _check_sides(values: Mapping[str, Any]) -> None:
    for name in ("size", "crop_size", "pad_size"):
        given = values.get(name)
        for side in given.values() if isinstance(given, Mapping) else (given,):
            if isinstance(side, int | float) and side > LARGEST_SIDE:
                raise ParamError(f"{name} is larger than {LARGEST_SIDE} pixels.")


def _tried(processor: Any, channels: int, name: str, whole: bool) -> Look:
    height, width = _answer(processor, torch.zeros(channels, *TRIED)).shape[1:]
    order, slopes, offsets = colours(processor, channels)
    fit, share = _kept(processor, channels, (height, width))
    reason = SAYS_SO if fit else STRETCHED
    if fit == "squash" and abs(height / width - TRIED[0] / TRIED[1]) < ALIKE:  # the size depends on the picture's
        height = width = min(height, width)
        fit, reason = ("squash", SQUARE) if whole else ("crop", LOOSE)
    scale = 255.0 if max(1 / slopes) < WHOLE_BYTES else 1.0
    std, resample = scale / slopes, getattr(processor, "resample", None)
    look = Preprocessing(
        height,
        width,
        fit=fit or "crop",
        crop_share=share,
        channels={1: "gray", 3: order}.get(channels, "bands"),
        scale=scale,
        mean=_rounded(-offsets * std),
        std=_rounded(std),
        resample="bilinear" if resample is None else RESAMPLING.get(int(resample), "bilinear"),
    )
    return Look(look, reason.format(file=name))


def _answer(processor: Any, picture: Any) -> Any:
    return torch.as_tensor(processor(images=picture, return_tensors="pt")["pixel_values"])[0].double()


def colours(processor: Any, channels: int = 3) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the order of channels, and per channel of the input its slope and offset for values in 0..1.

    A processor that mixes channels raises ValueError.
    """
    black = _flat(processor, torch.zeros(channels))
    slopes = np.stack([_flat(processor, 255.0 * torch.eye(channels)[at]) - black for at in range(channels)])
    for order, matrix in (("RGB", slopes), ("BGR", slopes[::-1])):
        diagonal = np.diag(matrix)
        if np.allclose(matrix, np.diag(diagonal), atol=1e-4 * np.abs(diagonal).max()):
            return order, diagonal, black
    raise ValueError("The processor mixes colours.")


def _flat(processor: Any, colour: Any) -> np.ndarray:
    output = _answer(processor, colour[:, None, None].expand(-1, *TRIED).contiguous())
    middle = output[:, output.shape[1] // 2, output.shape[2] // 2]
    return np.asarray(middle)


def _kept(processor: Any, channels: int, size: tuple[int, int]) -> tuple[Fit | None, float]:
    """Return the fit, None if it is no usual one, and the share of the shorter side of the picture that is kept."""
    rows, columns = (_share(processor, channels, axis, size[axis]) for axis in (0, 1))
    pixels = rows * TRIED[0] / size[0], columns * TRIED[1] / size[1]
    if abs(rows - 1) < ALIKE and abs(columns - 1) < ALIKE:
        return "squash", 1.0
    if abs(pixels[0] / pixels[1] - 1) < ALIKE:
        less, more = sorted((rows, columns))
        padded = abs(less - 1) < ALIKE < more - 1
        return ("pad", 1.0) if padded else ("crop", round(min(1.0, more), 4))
    return None, round(min(1.0, rows), 4)


def _share(processor: Any, channels: int, axis: int, side: int) -> float:
    """Return the share of a picture's height (axis 0) or width (1) that the input covers."""
    black, white = (_flat(processor, torch.full((channels,), value))[0] for value in (0.0, 255.0))
    ramp = torch.linspace(0, 255, TRIED[axis])
    picture = (ramp[:, None] if axis == 0 else ramp[None]).expand(TRIED).contiguous()
    output = np.asarray(_answer(processor, picture.expand(channels, *TRIED).contiguous())[0])
    middle = output.shape[1 - axis] // 2
    line = ((output[:, middle] if axis == 0 else output[middle]) - black) / (white - black)
    inner = slice(side // 4, side - side // 4)
    slope = np.polyfit(np.arange(side)[inner], line[inner], 1)[0]
    return float(slope * side * (TRIED[axis] - 1) / TRIED[axis])


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(f"{value:.5g}") + 0.0 for value in values)
