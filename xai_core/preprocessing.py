"""Turn a picture of any size into the input a model was trained on, and gradients back into picture space."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.errors import ParamError

Floats = NDArray[np.float32]
Fit = Literal["crop", "squash", "pad"]
Channels = Literal["RGB", "BGR", "gray", "bands"]
MOST_BANDS = 64
_Pair = tuple[int, int]
Resample = Literal["bilinear", "bicubic", "lanczos", "nearest"]
FITS: tuple[str, ...] = get_args(Fit)
CHANNELS: tuple[str, ...] = get_args(Channels)
RESAMPLES: tuple[str, ...] = get_args(Resample)
BORDER = 128 / 255  # the grey of padding
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in Pillow's convert("L")


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a picture before a model sees it.

    height, width: the model's input size in pixels.
    fit: "crop" keeps the proportions and cuts out the centre, "squash" stretches, "pad" adds grey borders.
    crop_share: for "crop", the share of the shorter side to keep; 0.875 is ImageNet's 224 of 256.
    channels: the order the model expects; "gray" is one channel of ITU-R BT.601 luma, "bands" are the picture's own
    channels, as many as there are values in `mean`.
    scale: 1 for values in 0..1, 255 for 0..255.
    mean, std: per channel, in the model's order; the input is `(value * scale - mean) / std`.
    resample: the filter that resizes the picture, as Pillow implements it.
    """

    height: int
    width: int
    fit: Fit = "crop"
    crop_share: float = 1.0
    channels: Channels = "RGB"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    resample: Resample = "bilinear"

    def __post_init__(self) -> None:
        self._check_kinds()
        depth = self.depth
        object.__setattr__(self, "mean", tuple(map(float, self.mean[:depth])))
        object.__setattr__(self, "std", tuple(map(float, self.std[:depth])))
        if len(self.mean) != depth or len(self.std) != depth:
            raise ParamError(
                f"Mean and standard deviation need {depth} number{'s' * (depth > 1)}, one per channel; got "
                f"{len(self.mean)} and {len(self.std)}."
            )
        if depth > MOST_BANDS or depth == 0:
            raise ParamError(f"A picture has 1 to {MOST_BANDS} channels; got {depth} means.")
        if min(self.std) <= 0:
            raise ParamError(f"Every standard deviation must be greater than zero; got {min(self.std):g}.")
        if not (1 <= self.height <= 4096 and 1 <= self.width <= 4096):
            raise ParamError(f"The input size must be between 1 and 4096 pixels; got {self.width}x{self.height}.")
        if not 0.1 <= self.crop_share <= 1:
            raise ParamError(f"The crop share must be between 0.1 and 1; got {self.crop_share}.")

    @property
    def depth(self) -> int:
        """How many channels the model's input has."""
        return {"gray": 1, "bands": len(self.mean)}.get(self.channels, 3)

    @property
    def picture_depth(self) -> int:
        """How many channels a picture has before it is prepared: 3 for colours, also where the model sees gray."""
        return self.depth if self.channels == "bands" else 3

    def _check_kinds(self) -> None:
        kinds = ("Fit", self.fit, FITS), ("Channels", self.channels, CHANNELS), ("Resample", self.resample, RESAMPLES)
        for name, value, choices in kinds:
            if value not in choices:
                raise ParamError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")
        if not all(isinstance(side, Integral) and not isinstance(side, bool) for side in (self.height, self.width)):
            raise ParamError(f"Height and width must be whole numbers; got {self.height!r} and {self.width!r}.")
        for number in (self.scale, self.crop_share, *self.mean, *self.std):
            if isinstance(number, bool) or not isinstance(number, Real) or not math.isfinite(number):
                raise ParamError(f"Scale, crop share, mean and standard deviation must be numbers; got {number!r}.")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build from plain JSON values; ParamError for unknown names and wrong types."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ParamError(f"Preprocessing has no field {unknown[0]!r}; its fields are {', '.join(sorted(known))}.")
        try:
            plain: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(**plain)
        except TypeError as error:
            raise ParamError("Preprocessing needs at least a height and a width, as whole numbers.") from error

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values that `from_json` accepts."""
        return asdict(self)

    def normalise(self, images: Floats) -> Floats:
        """Turn (N, H, W, 3) RGB, or as many bands, in [0, 1] into the model's inputs (N, H, W, C)."""
        values = images @ LUMA[:, None] if self.channels == "gray" else images
        values = values[..., ::-1] if self.channels == "BGR" else values
        inputs = self._scaled(values)
        inputs.reshape(*values.shape[:2], -1)[...] -= _along_row(np.array(self.mean) / self.std, values.shape[2])
        return inputs

    def pull_back(self, gradients: Floats) -> Floats:
        """Turn gradients with respect to inputs (N, H, W, C) into gradients with respect to images (N, H, W, 3)."""
        values = self._scaled(gradients)
        if self.channels == "gray":
            values = values * LUMA
        return np.ascontiguousarray(values[..., ::-1] if self.channels == "BGR" else values, np.float32)

    def _scaled(self, values: Floats) -> Floats:
        rows = values.reshape(*values.shape[:2], -1)
        factors = _along_row(self.scale / np.array(self.std), values.shape[2])
        return np.multiply(rows, factors, dtype=np.float32).reshape(values.shape)

    def place(self, picture: NDArray[np.uint8 | np.uint16]) -> Floats:
        """Fit a picture (h, w, 3) uint8 to (height, width, 3) float32 in [0, 1], as the model will see it.

        Bands (h, w, C) may also be uint16, whose white is 65535.
        """
        if self.channels != "bands":
            return np.asarray(self._fitted(picture, self.width, self.height), np.float32) / np.float32(255)
        shares = np.asarray(picture, np.float32) / np.float32(np.iinfo(picture.dtype).max)
        planes = [np.asarray(self._fitted(band, self.width, self.height)) for band in np.moveaxis(shares, -1, 0)]
        return np.ascontiguousarray(np.clip(np.stack(planes, axis=-1), 0, 1), np.float32)

    def place_labels(self, labels: NDArray[np.uint8], outside: int) -> NDArray[np.uint8]:
        """Fit labels of a picture's pixels (h, w) to (height, width) as `place` fits the picture.

        Each pixel gets the label that is nearest; what lies outside the picture gets `outside`.
        """
        image = Image.fromarray(labels)
        size, corner = self._geometry(image.width, image.height, self.width, self.height)
        canvas = Image.new("L", (self.width, self.height), outside)
        canvas.paste(image.resize(size, Image.Resampling.NEAREST), corner)
        return np.asarray(canvas)

    def position(self, x: float, y: float, size: tuple[int, int]) -> tuple[float, float]:
        """Return where a place (x, y) in a picture of `size` (height, width) lies in the input, in pixels."""
        (width, height), (left, top) = self._geometry(size[1], size[0], self.width, self.height)
        return left + x * width / size[1], top + y * height / size[0]

    def view(self, picture: NDArray[np.uint8], longest: int = 640) -> NDArray[np.uint8]:
        """Return the part of a picture that the model sees, at a higher resolution if the picture has it."""
        side = max(self.height, self.width)
        factor = max(1.0, min(longest, max(picture.shape[:2])) / side)
        return np.asarray(self._fitted(picture, round(self.width * factor), round(self.height * factor)))

    def _fitted(self, picture: NDArray[Any], width: int, height: int) -> Image.Image:
        """Return a picture (h, w, 3) uint8, or one of its bands (h, w) float32, at a size."""
        image = Image.fromarray(np.ascontiguousarray(picture))
        size, corner = self._geometry(image.width, image.height, width, height)
        resized = image.resize(size, Image.Resampling[self.resample.upper()])
        if self.fit == "squash":
            return resized
        canvas = Image.new(image.mode, (width, height), BORDER if image.mode == "F" else (128, 128, 128))
        canvas.paste(resized, corner)
        return canvas

    def _geometry(self, width: int, height: int, to_width: int, to_height: int) -> tuple[_Pair, _Pair]:
        """Return the size of a resized picture (width, height), and where its corner lies on the input (left, top)."""
        if self.fit == "squash":
            return (to_width, to_height), (0, 0)
        ratios = (to_width / width, to_height / height)
        ratio = min(ratios) if self.fit == "pad" else max(ratios) / self.crop_share
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        return size, (-round((size[0] - to_width) / 2), -round((size[1] - to_height) / 2))


def _along_row(channels: NDArray[np.float64], width: int) -> Floats:
    """Repeat one value per channel for each pixel of a row, because numpy is slow with an innermost loop of three."""
    return np.tile(channels, width).astype(np.float32)


def presets(height: int, width: int, channels: int = 3) -> dict[str, Preprocessing]:
    """Return the common ways to prepare a picture, by their usual names.

    Sources: torchvision's ImageNet weights; keras.applications' "tf" and "caffe" modes.
    """
    if channels not in (1, 3):
        return _presets_of_bands(height, width, channels)
    base = Preprocessing(height, width, channels="gray" if channels == 1 else "RGB")
    known = {
        "0..1": base,
        "ImageNet mean/std": replace(base, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        "-1..1": replace(base, mean=(0.5,) * 3, std=(0.5,) * 3),
        "0..255": replace(base, scale=255.0),
    }
    if channels == 1:
        del known["ImageNet mean/std"]
        return known
    return known | {"Caffe BGR": replace(base, channels="BGR", scale=255.0, mean=(103.939, 116.779, 123.68))}


def _presets_of_bands(height: int, width: int, channels: int) -> dict[str, Preprocessing]:
    base = Preprocessing(height, width, channels="bands", mean=(0.0,) * channels, std=(1.0,) * channels)
    halves = (0.5,) * channels
    return {"0..1": base, "-1..1": replace(base, mean=halves, std=halves), "0..255": replace(base, scale=255.0)}
