"""A segmentation network: a classifier of every pixel, and of any region through its mean score."""

from __future__ import annotations

from abc import abstractmethod

from xai_core.network import Network
from xai_core.types import Flags, Floats


class Segmenter(Network):
    """A network that scores every pixel, in its framework; an adapter implements this class.

    As a `Network` it classifies the whole picture: its raw outputs (N, K) are the means of the maps of all classes.
    `within` returns the same for a region, so every method that explains a classifier explains a region.
    """

    @abstractmethod
    def segment(self, inputs: Floats) -> Floats:
        """Return raw outputs (N, h, w, K) for inputs (N, H, W, C), on the network's own grid: see `card.gives`."""

    @abstractmethod
    def within(self, region: Flags) -> Network:
        """Return the classifier whose raw outputs (N, K) are the means over a region (H, W) of its inputs.

        The maps are enlarged bilinearly to the inputs' size before they are averaged.
        """
