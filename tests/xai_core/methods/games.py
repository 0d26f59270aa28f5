"""Networks on a picture of a few white pixels: each pixel is a player, who is there unless it is black."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from fakes import LinearNetwork

from xai_core.families.segments import Segments

THREE = {"000": 1.0, "100": 3.0, "010": 2.0, "001": 1.0, "110": 6.0, "101": 3.5, "011": 2.0, "111": 7.0}
SHAPLEY_OF_THREE = (3.4166666667, 2.1666666667, 0.4166666667)


class Game(LinearNetwork):
    """One logit that is `value` of who is there, an array (players,) of 0 to 1."""

    def __init__(self, players: int, value: Callable[[np.ndarray], float]) -> None:
        super().__init__(np.zeros((1, 1, players, 3)))
        self.value = value

    def forward(self, inputs):
        super().forward(inputs)
        return np.array([[self.value(one)] for one in inputs[:, 0, :, 0].astype(float)], np.float32)


def white(players: int) -> np.ndarray:
    return np.ones((1, players, 3), np.float32)


def table(values: dict[str, float]) -> Game:
    return Game(len(next(iter(values))), lambda there: values["".join(str(int(one)) for one in there)])


def together(there: np.ndarray) -> float:
    """Two that count only together, two alike, one that counts alone, and one dummy, the last."""
    return float(2 * there[0] * there[1] + there[2] * there[3] * there[4] + 0.5 * there[4] - 3 * there[5] + 1)


SHAPLEY_OF_TOGETHER = (1.0, 1.0, 1 / 3, 1 / 3, 1 / 3 + 0.5, -3.0, 0.0)


def added_up(effects: np.ndarray, segments: Segments) -> np.ndarray:
    """Return effects (T, H, W) added up over each segment, painted on it."""
    return np.stack([np.bincount(segments.labels.ravel(), one.ravel()) for one in effects])[:, segments.labels]
