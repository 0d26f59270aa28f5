"""Switch off channels of an ONNX detector's levels: its graph is cut there, and only what follows runs again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx.utils import Extractor

from model_adapters.onnx.detection.draft import TwinDraft, whole, with_outputs
from model_adapters.onnx.detection.outputs import Rows, rows
from model_adapters.onnx.session import as_tensor, guarded, open_session
from xai_core.detector import Places
from xai_core.types import Floats, Indices


@dataclass(frozen=True, eq=False)
class CutGraph:
    """A detector's graph in two sessions: from the picture to the levels, and from there to the boxes.

    The second one gets the picture too, for graphs that use it beside the levels.
    """

    draft: TwinDraft
    before: Any
    after: Any

    @classmethod
    def of(cls, draft: TwinDraft) -> CutGraph:
        """Cut a graph at its levels."""
        picture, levels = draft.wiring.input, list(draft.levels)
        extractor = Extractor(with_outputs(whole(draft), draft.levels))
        parts = ([picture], levels), ([picture, *levels], list(draft.names))
        before, after = (open_session(extractor.extract_model(*part).SerializeToString()) for part in parts)
        return cls(draft, before, after)

    def without(self, inputs: Floats, channels: Indices, value: float, places: Places | None) -> list[Rows]:
        """Return the boxes in one input (1, H, W, C) with each of `channels` (n, 2) set to `value` in turn.

        channels: the index of the level and that of the channel. places: flags (h, w) for each level.
        """
        batch = self.draft.wiring.spec.batch or 1
        picture = {self.draft.wiring.input: as_tensor(np.repeat(inputs, batch, axis=0), self.draft.wiring)}
        levels = self._run(self.before, self.draft.levels, picture)
        starts = range(0, len(channels), batch)
        parts = [self._rows(picture, levels, channels[start : start + batch], value, places) for start in starts]
        return [row for part in parts for row in part]

    def _rows(
        self, picture: dict[str, Any], levels: Sequence[Any], channels: Indices, value: float, places: Places | None
    ) -> list[Rows]:
        changed = [level.copy() for level in levels]
        for row, (level, channel) in enumerate(channels):
            plane = changed[level][row, channel]
            plane[... if places is None else places[int(level)]] = value
        feed = picture | dict(zip(self.draft.levels, changed, strict=True))
        outputs = dict(zip(self.draft.names, self._run(self.after, self.draft.names, feed), strict=True))
        return rows(outputs, self.draft.reading, self.draft.size, self.draft.wiring.spec.batch or 1)[: len(channels)]

    def _run(self, session: Any, names: Iterable[str], feed: dict[str, Any]) -> Sequence[Any]:
        with guarded(self.draft.wiring.spec.batch or 1, self.draft.size):
            answers: Sequence[Any] = session.run(list(names), feed)
        return answers
