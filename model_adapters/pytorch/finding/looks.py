"""The preprocessing that a network probably needs, and why."""

from __future__ import annotations

from dataclasses import replace

from model_adapters.pytorch.architecture_index import Architecture
from xai_core.preprocessing import Preprocessing, presets

Look = tuple[Preprocessing, str]
DIGITS, DIGIT_SIDE = 10, 28
DIGIT_MEAN, DIGIT_STD = (0.1307,), (0.3081,)  # of MNIST


def look_of_index(architecture: Architecture, channels: int, classes: int) -> Look:
    """Return the preprocessing that a network of the index was trained with; for gray pictures, a guess."""
    if channels not in (1, 3):
        return look_of_bands(architecture.declared, architecture.name, channels)
    if channels != 1:
        return architecture.declared, f"{architecture.name} was trained with it."
    gray = replace(architecture.declared, channels="gray")
    reason = (
        f"The file does not say the input size or how values are scaled. {architecture.name} itself is for colour "
        f"pictures of {gray.width}x{gray.height}."
    )
    return gray_look(gray, reason, classes, architecture.fixed_size)


def look_of_bands(look: Preprocessing, name: str, channels: int) -> Look:
    """Return a preprocessing for channels that are not colours, of the size that a look has."""
    return presets(look.height, look.width, channels)["0..1"], (
        f"{name} itself is for colour pictures; the file does not say how the values of its {channels} channels are "
        "scaled. Values from 0 to 1 are assumed: set the mean and standard deviation that you trained with."
    )


def gray_look(look: Preprocessing, reason: str, classes: int, fixed_size: bool) -> Look:
    """Return the preprocessing of handwritten digits for ten classes of gray pictures, otherwise the same."""
    if look.channels != "gray" or classes != DIGITS:
        return look, reason
    side = look.height if fixed_size else DIGIT_SIDE
    digits = replace(look, height=side, width=side, fit="crop", crop_share=1.0, mean=DIGIT_MEAN, std=DIGIT_STD)
    return digits, (
        f"The file does not say the input size or how values are scaled. One channel and ten classes suggest MNIST: "
        f"{side} px, mean 0.1307, standard deviation 0.3081. Set the size that you trained with if this is wrong."
    )
