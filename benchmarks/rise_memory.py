"""Peak memory of a RISE run in this process, with a network that needs almost none itself; prints MiB.

python -m benchmarks.rise_memory SAMPLES
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections import deque

import numpy as np

from benchmarks.subject import SIDE
from xai_core.jobs.memory import SpooledMemory
from xai_core.methods.rise import Rise
from xai_core.model import Model
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, Floats, InputSpec

CLASSES = 1000
SPOOL = 2**30  # bytes


class Brightness(Network):
    """A thousand classes, more likely in brighter pictures and with higher numbers."""

    card = Card("none", "in memory", CLASSES, InputSpec(SIDE, SIDE), Capability.PREDICT)

    def forward(self, inputs: Floats) -> Floats:
        return inputs[:, ::8, ::8].mean(axis=(1, 2, 3))[:, None] * np.linspace(0, 1, CLASSES, dtype=np.float32)


def main() -> None:
    memory = SpooledMemory(tempfile.mkdtemp(), SPOOL)
    model = Model(Brightness(), Preprocessing(SIDE, SIDE), memory)
    image = np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32)
    method = Rise(samples=int(sys.argv[1]), stop_at_noise=0.0)
    deque(method.explain(model, image, np.array([CLASSES - 1])), maxlen=1)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
