"""The last step of a network, which turns its outputs into other scores."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import numpy as np

from xai_core.types import Floats

SHORTEST = 1e-8  # an output shorter than this has no direction


@dataclass(frozen=True, eq=False)
class End:
    """The last step for outputs (N, K).

    "both sides" makes two classes of one logit z, -z and z; "complement" makes two of one probability p, 1 - p and p.
    "similarity" is the cosine of the angle to each of `references` (R, K), (N, R).
    """

    kind: Literal["both sides", "complement", "similarity"]
    references: Floats | None = None

    @property
    def key(self) -> str:
        """A text that differs for different ends."""
        return self.kind if self.references is None else f"{self.kind} {sha256(self.references.tobytes()).hexdigest()}"

    def of(self, rows: Floats) -> Floats:
        """Return the scores of outputs (N, K)."""
        if self.references is None:
            return np.concatenate([-rows if self.kind == "both sides" else 1 - rows, rows], axis=1)
        return np.asarray(_of_length_one(rows) @ _of_length_one(self.references).T, np.float32)


def _of_length_one(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, SHORTEST), np.float32)
