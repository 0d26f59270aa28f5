"""A model that a worker has opened, as the questions see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xai_core.detector import Detector
from xai_core.jobs.steps import Heartbeat
from xai_core.lens import Lens
from xai_core.model import Memory, Model
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.scores import with_references
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import USUAL_CONDITIONS, Card, Conditions, Flags, Floats

PICTURES_A_PASS = 8


@dataclass(frozen=True)
class Opened:
    """A classifier, a segmenter or a detector, the ledgers of its earlier runs, and the heartbeat of its worker."""

    opened: Network | Detector
    memory: Memory
    heartbeat: Heartbeat

    @property
    def card(self) -> Card:
        return self.opened.card

    @property
    def network(self) -> Network:
        """The classifier; RuntimeError if the file was opened as a detector."""
        if not isinstance(self.opened, Network):
            raise RuntimeError("A detector was asked a question for classifiers.")
        return self.opened

    @property
    def segmenter(self) -> Segmenter:
        """The segmentation network; RuntimeError if the file was opened as anything else."""
        if not isinstance(self.opened, Segmenter):
            raise RuntimeError("A model that labels no pixels was asked a question for those that do.")
        return self.opened

    @property
    def detector(self) -> Detector:
        """The detector; RuntimeError if the file was opened as a classifier."""
        if not isinstance(self.opened, Detector):
            raise RuntimeError("A classifier was asked a question for detectors.")
        return self.opened

    def variant(self, conditions: Conditions, region: Flags | None = None) -> Network:
        """Return the classifier with its own last layer, or a random one if the conditions say so.

        region: where a segmentation network looks, (H, W); None for the whole picture, and for a classifier.
        """
        seed = conditions.random_last_layer
        network = self.network if region is None else self.segmenter.within(region)
        return network if seed is None else network.randomised(seed)

    def model(
        self,
        preprocessing: Preprocessing,
        conditions: Conditions = USUAL_CONDITIONS,
        region: Flags | None = None,
        references: Floats | None = None,
        lens: Lens | None = None,
    ) -> Model:
        """Return the classifier as methods see it, under these conditions.

        region: as for `variant`. references: the images (R, H, W, C) that an embedding is compared with. lens: shows
        one channel only.
        """
        network = self.variant(conditions, region).at(conditions.precision)
        if references is not None and network.card.head == "similarity":
            embeddings = Model(network, preprocessing, tick=self.heartbeat.tick).outputs(references)
            network = with_references(network, embeddings)
        return Model(network, preprocessing, self.memory, self.heartbeat.tick, lens)


def passes(pictures: int) -> Iterator[slice]:
    """Yield slices that divide a number of pictures into passes."""
    return (slice(start, start + PICTURES_A_PASS) for start in range(0, pictures, PICTURES_A_PASS))
