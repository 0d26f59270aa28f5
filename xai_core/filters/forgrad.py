"""ForGrad: remove the high frequencies that gradients add to a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from xai_core.filter import Filter, filter_
from xai_core.params import Range, ShareOfSide
from xai_core.types import Floats


@filter_(
    "forgrad",
    title="ForGrad",
    source="Muzellec, Fel, Boutin, Andéol, VanRullen, Serre, Saliency strikes back, 2024, arXiv 2307.09591",
)
class ForGrad(Filter):
    """Keep only the low frequencies of a map, up to a number of cycles per picture."""

    sigma: Annotated[
        float, Range(1, ShareOfSide(0.5), 1, "cycles per picture"), "Finest detail to keep. Lower is smoother."
    ] = 15.0
    signed: Annotated[bool, "Filter the signed map. The paper filters its magnitude."] = False
    clip: Annotated[bool, "Set negative values to zero. The paper takes their magnitude."] = False

    def apply(self, maps: Floats) -> Floats:
        smooth = low_pass(self._taken(maps), self.sigma)
        if self.clip:
            return np.maximum(smooth, 0)
        return smooth if self.signed else np.abs(smooth)

    def spectrum(self, maps: Floats) -> Spectrum:
        """Return the spectrum of the maps (T, H, W) as this filter sees it, and the frequencies it keeps."""
        height, width = maps.shape[-2:]
        magnitude = np.fft.fftshift(np.abs(np.fft.fft2(self._taken(maps))), axes=(-2, -1))
        kept = np.fft.fftshift(frequencies(height, width) <= self.sigma)
        return Spectrum(np.log1p(magnitude).astype(np.float32), kept, self.sigma)

    def _taken(self, maps: Floats) -> Floats:
        return maps if self.signed else np.abs(maps)


@dataclass(frozen=True)
class Spectrum:
    """Spectrum of maps, with zero frequency in the middle, at row H // 2 and column W // 2.

    magnitude: (T, H, W) float32, log(1 + |F|). kept: (H, W), True inside the radius. radius: in cycles per picture,
    which equals pixels of the spectrum.
    """

    magnitude: Floats
    kept: NDArray[np.bool_]
    radius: float


def low_pass(maps: Floats, sigma: float) -> Floats:
    """Return maps (T, H, W) without the frequencies above `sigma` cycles per picture; any height and width."""
    height, width = maps.shape[-2:]
    kept = frequencies(height, width)[:, : width // 2 + 1] <= sigma
    return np.asarray(np.fft.irfft2(np.fft.rfft2(maps) * kept, s=(height, width)), np.float32)


def frequencies(height: int, width: int) -> NDArray[np.float64]:
    """Return the distance from zero frequency (height, width), in cycles per picture, in the order of fft2."""
    down, across = (np.rint(np.fft.fftfreq(side) * side) for side in (height, width))
    distances: NDArray[np.float64] = np.hypot(down[:, None], across)
    return distances
