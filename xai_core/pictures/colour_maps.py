"""Colour maps: a few stops each, interpolated perceptually evenly in OKLab.

OKLab: Björn Ottosson, "A perceptual color space for image processing" (2020). The stops of viridis, inferno and
cividis are those of their authors (van der Walt and Smith; Nuñez, Anderton and Renslow), in the public domain. The
diverging maps have equal lightness for both signs, so that equal magnitudes look equally strong, and hues that people
with red-green colour blindness can distinguish.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

ENTRIES = 256

_TO_CONE = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@dataclass(frozen=True)
class ColourMap:
    """A colour map: sRGB stops as hexadecimal numbers, evenly spaced from the low to the high end.

    diverging: the middle is zero, and limits are symmetric about it.
    """

    stops: str
    diverging: bool = False


COLOUR_MAPS = {
    "blue-red": ColourMap(
        "023ba7 245bc0 457ad6 699ae9 91b9f7 bed8ff f5f5f5 fbc8bb f0a08e de7967 c85246 ad2928 8a0116",
        diverging=True,
    ),
    "purple-orange": ColourMap(
        "591f98 7243b2 8c64c9 a686de c1a9ee dccdf9 f5f5f5 f5cdae e8a776 d68342 be6005 984800 723301",
        diverging=True,
    ),
    "inferno": ColourMap(
        "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 "
        "d04545 e35933 f1711f f98c0a fcaa0f f9c932 f2e865 fcffa4"
    ),
    "viridis": ColourMap(
        "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c "
        "1f9f88 27ad81 3dbc74 5cc863 81d34d aadc32 d5e21a fde725"
    ),
    "cividis": ColourMap(
        "00224e 00285b 002d68 003171 163770 243c6e 2e416d 36466c 3f4c6c "
        "47516c 4e566c 555b6d 5c616e 636670 696b71 6f7073 767676 7d7c78 "
        "838179 8a8678 928c78 999277 a09875 a79d73 afa471 b8aa6e bfb06b "
        "c6b667 cfbd62 d7c45c dfca57 e7d150 f0d846 f9e03a fee838"
    ),
    "gray": ColourMap("000000 ffffff"),
}


@cache
def colour_table(name: str) -> NDArray[np.uint8]:
    """Return the colours of a map from its low to its high end, (256, 3) sRGB; KeyError for an unknown name."""
    stops = np.array([list(bytes.fromhex(stop)) for stop in COLOUR_MAPS[name].stops.split()]) / 255
    lab = _to_oklab(stops)
    at, ends = np.linspace(0, 1, ENTRIES), np.linspace(0, 1, len(stops))
    joined = np.stack([np.interp(at, ends, channel) for channel in lab.T], axis=1)
    table = np.rint(_to_srgb(joined) * 255).astype(np.uint8)
    table.setflags(write=False)
    return table


def _to_oklab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_CONE.T) @ _TO_LAB.T)


def _to_srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.clip((lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_CONE).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
