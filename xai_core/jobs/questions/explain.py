"""Why does a classifier score some classes as it does?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Self

import numpy as np

from xai_core.errors import MissingCapability
from xai_core.jobs.explanations import ExplanationQuestion, Shape, Steps, after_search, sound
from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.jobs.messages import preprocessing_from_json
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import plain, question, region_from_arrays, region_to_arrays
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.jobs.steps import within_memory
from xai_core.lens import Lens
from xai_core.method import Method, check_targets, method_named
from xai_core.model import Model
from xai_core.pictures.resampling import resized
from xai_core.preprocessing import Preprocessing
from xai_core.scores import NO_REFERENCE
from xai_core.types import USUAL_CONDITIONS, Capability, Conditions, Estimate, Flags, Floats, Indices

BLIND_TO_CHANNELS = ("CAM", "Attention")
MIXED = "{0} works on layers, where channels are mixed. Explain all channels, or choose a method that works on pixels."
PEER_CHANNELS = "Other libraries explain all channels together. Explain all channels to compare."
PEER_SECONDS = 300  # one target by another library, whose passes are slower than ours


@question("explain")
class Explain(ExplanationQuestion):
    """Explain the scores of `targets` (T,) for an image (H, W, 3), float32 in [0, 1] at the input's size.

    region: of a segmentation network's picture, flags (H, W); the explained score is the mean over it. references: for
    an embedding, the images (R, H, W, 3) that it is compared with; targets are then numbers of these.
    """

    preprocessing: Preprocessing
    method: Method
    image: Floats
    targets: Indices
    conditions: Conditions = USUAL_CONDITIONS
    region: Flags | None = None
    references: Floats | None = None

    @property
    def shape(self) -> Shape:
        return len(self.targets), self.preprocessing.height, self.preprocessing.width

    def to_frame(self) -> Frame:
        header = {
            "preprocessing": self.preprocessing.to_json(),
            "method": self.method.id,
            "params": self.method.values(),
            "conditions": asdict(self.conditions),
            "compared": self.references is not None,
        }
        others = [] if self.references is None else [plain(self.references)]
        targets = np.ascontiguousarray(self.targets, np.int64)
        return header, [plain(self.image), targets, *others, *region_to_arrays(self.region)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        preprocessing = preprocessing_from_json(header["preprocessing"])
        method = method_named(header["method"]).from_json(header["params"])
        image, targets, *others = arrays
        references = others.pop(0) if header["compared"] else None
        conditions = Conditions(**header["conditions"])
        return cls(preprocessing, method, image, targets, conditions, region_from_arrays(others), references)

    def answers(self, opened: Opened) -> Steps:
        """Check that the model suits the method, then return its steps, or those of a peer."""
        precision = self.method.precision_on(opened.card, self.conditions.precision)
        conditions = replace(self.conditions, precision=precision)
        model = opened.model(self.preprocessing, conditions, self.region, self.references, self._lens())
        self._check(model)
        if self.conditions.peer:
            return sound(self._by_peer(opened, model))
        steps = sound(self._by_us(opened, model))
        if Capability.PREDICT in self.method.needs:
            return after_search(opened, lambda: self._engines(opened), steps)
        return steps

    def _lens(self) -> Lens | None:
        """Return what shows the chosen channel; MissingCapability if the method cannot tell channels apart."""
        channel = self.conditions.channel
        if channel is None:
            return None
        if self.conditions.peer:
            raise MissingCapability(PEER_CHANNELS)
        if self.method.group in BLIND_TO_CHANNELS:
            raise MissingCapability(MIXED.format(self.method.title))
        return Lens(self.image, channel, self.preprocessing)

    def _check(self, model: Model) -> None:
        if model.card.head == "similarity":
            raise MissingCapability(NO_REFERENCE)
        self.method.check_model(model.card)
        self.method.check_for(model.input_size)
        self.method.check_choices(model.card)
        check_targets(self.targets, model.card)

    def _engines(self, opened: Opened) -> object:
        return FindEngines(self.preprocessing, self.image[None]).engines(opened)

    def _by_us(self, opened: Opened, model: Model) -> Iterator[Estimate]:
        image = model.seen(self.image)

        def explain(method: Method) -> Iterator[Estimate]:
            return opened.heartbeat.patiently(method.explain(model, image, self.targets))

        return within_memory(self.method, model, explain)

    def _by_peer(self, opened: Opened, model: Model) -> Iterator[Estimate]:
        """Have another library compute one target a step, so that a cancel takes effect in between."""
        network, maps = model.network, np.zeros(self.shape, np.float32)
        request = (self.conditions.peer, self.method.id, self.method.values(), self.preprocessing, self.image)
        for done, target in enumerate(self.targets[:, None], start=1):
            with opened.heartbeat.beating(PEER_SECONDS):  # silent until it is done, and slow to import
                peer_map = network.by_peer(*request, target)
            maps[done - 1] = resized(peer_map, model.input_size)[0]
            yield Estimate(done / len(self.targets), maps.copy())
