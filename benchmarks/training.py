"""Time the server's part of a redraw of the heatmap: python -m benchmarks.training [--pictures 10000].

Changing the filter or the order sorts and packs the rows again; changing the range of epochs also measures again.
Streamlit's own work and the transfer to the browser are not included.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np

from benchmarks.__main__ import machine, table
from benchmarks.rounds import seconds
from vitrine.ui.components.heatmap.payload import pack
from vitrine.ui.components.heatmap.sprites import sheet_of
from xai_core.training.arrays import to_npz
from xai_core.training.flows import flow
from xai_core.training.history import History
from xai_core.training.measures import epoch_measures, instance_measures
from xai_core.training.reading import read_history
from xai_core.training.sorting import arranged

CLASSES, SIDE = 100, 32


def made(pictures: int, epochs: int) -> History:
    """Return a history in which more and more predictions are right, with thumbnails."""
    rng = np.random.default_rng(0)
    actual = rng.integers(0, CLASSES, pictures)
    right = rng.random((pictures, epochs)) < np.linspace(0.1, 0.9, epochs)
    predictions = np.where(right, actual[:, None], rng.integers(0, CLASSES, (pictures, epochs)))
    return History(
        "made",
        tuple(f"class {n}" for n in range(CLASSES)),
        predictions,
        actual,
        np.array([f"picture {n}" for n in range(pictures)]),
        tuple(str(n) for n in range(epochs)),
        curves={"val_loss": np.linspace(3, 1, epochs)},
        pictures=rng.integers(0, 256, (pictures, SIDE, SIDE, 3), np.uint8),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description="Time a redraw of the heatmap.")
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds; medians are printed")
    chosen = parser.parse_args()
    history = made(chosen.pictures, chosen.epochs)
    data = to_npz(history)
    sheet = sheet_of(history.pictures)
    measures, by_epoch = instance_measures(history), epoch_measures(history)

    def redraw() -> bytes:
        numbers = arranged(history, measures, "misclassification rate", "forgotten", search="picture")
        return pack(history, numbers, measures, by_epoch, sheet, None, 0)

    def measure() -> None:
        during = history.during(0, chosen.epochs - 1)
        instance_measures(during), epoch_measures(during)

    work = {
        "another filter or order: sort and pack": redraw,
        "another range of epochs: measure": measure,
        "streams between 12 epochs": lambda: flow(history),
        "once a history: read the npz": lambda: read_history(data, "made"),
        "once a history: sheet of thumbnails": lambda: sheet_of(history.pictures),
    }
    rows = [
        [name, f"{1000 * statistics.median(seconds(side) for _ in range(chosen.rounds)):.0f} ms"]
        for name, side in work.items()
    ]
    print(f"{machine()}; {chosen.pictures} pictures x {chosen.epochs} epochs, {CLASSES} classes\n")
    print(table(["work", "median"], [*rows, ["what is sent for a redraw", f"{len(redraw()) / 2**20:.1f} MB"]]))


if __name__ == "__main__":
    main()
