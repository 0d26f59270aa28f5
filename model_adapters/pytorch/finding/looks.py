"""The preprocessing that a network probably needs, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from model_adapters.pytorch.architecture_index import Architecture
from xai_core.preprocessing import Preprocessing, presets

DIGITS, DIGIT_SIDE = 10, 28
DIGIT_MEAN, DIGIT_STD = (0.1307,), (0.3081,)  # of MNIST


class Look(NamedTuple):
    """A preprocessing, why it is probably needed, and whether a known network was trained with it, or it is a guess."""

    preprocessing: Preprocessing
    reason: str
    known: bool = False


def look_of_index(architecture: Architecture, channels: int, classes: int) -> Look:
    """Return the preprocessing that a network of the index was trained with; for gray pictures, a guess."""
    if channels not in (1, 3):
        return look_of_bands(architecture.declared, architecture.name, channels)
    if channels != 1:
        return Look(architecture.declared, f"{architecture.name} was trained with it.", known=True)
    gray = replace(architecture.declared, channels="gray")
    reason = (
        f"The file does not say the input size or how values are scaled. {architecture.name} itself is for colour "
        f"pictures of {gray.width}x{gray.height}."
    )
    return gray_look(gray, reason, classes, architecture.fixed_size)


def look_of_bands(look: Preprocessing, name: str, channels: int) -> Look:
    """Return a preprocessing for channels that are not colours, of the size that a look has."""
    return Look(
        presets(look.height, look.width, channels)["0..1"],
        f"{name} itself is for colour pictures; the file does not say how the values of its {channels} channels are "
        "scaled. Values from 0 to 1 are assumed: set the mean and standard deviation that you trained with.",
    )


def gray_look(look: Preprocessing, reason: str, classes: int, fixed_size: bool) -> Look:
    """Return the preprocessing of handwritten digits for ten classes of gray pictures, otherwise the same."""
    if look.channels != "gray" or classes != DIGITS:
        return Look(look, reason)
    side = look.height if fixed_size else DIGIT_SIDE
    digits = replace(look, height=side, width=side, fit="crop", crop_share=1.0, mean=DIGIT_MEAN, std=DIGIT_STD)
    return Look(
        digits,
        f"The file does not say the input size or how values are scaled. One channel and ten classes suggest MNIST: "
        f"{side} px, mean 0.1307, standard deviation 0.3081. Set the size that you trained with if this is wrong.",
    )
