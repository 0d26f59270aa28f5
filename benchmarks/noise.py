"""Seconds until RISE has a noise share of 5%, by Vitrine and by xplique, with equal grids on the same network.

python -m benchmarks.noise [--networks A] [--photos cat] [--rounds 3] [--reference 50000] [--processor-time]

The noise share is the variance, over the pixels, of a map's difference to a reference of many masks, over the
reference's own variance. How many masks xplique's self-normalised mean takes is measured on the reference's scores, in
blocks; how long these take is measured by running xplique. References are kept under .cache/benchmarks.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torchvision  # noqa: F401  (whole, and before TensorFlow: after it PyTorch's libraries do not load)

import model_adapters
from benchmarks import subject
from benchmarks.__main__ import machine, table
from benchmarks.rounds import CLOCK, seconds
from model_adapters.engines.choice import WithEngines
from vitrine.samples import sample_photos
from xai_core.families.mask_average import MaskAverage
from xai_core.families.masks import Cells, Masks, masked
from xai_core.families.noise import NOISE_WANTED
from xai_core.methods.rise import Rise
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing, presets
from xai_core.types import Floats, ModelSource, Precision

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "benchmarks"
RESNET20 = ROOT.parent / "shared" / "assets" / "models" / "torch" / "resnet20_cifar10_torchscript.pt"
PHOTOS = ("cat", "astronaut", "coffee", "rocket")
BLOCKS = (1000, 4000)  # masks at which noise shares are printed
GRID, KEPT, SEED, BATCH = 7, 0.5, 1, 48
FIRST_SEED = 100  # of the runs, whose masks are not those of a reference
HEADS = ["network", "photo", "score", "precision", "Vitrine", "masks", "noise", "xplique", "masks", "xplique / Vitrine"]
SHARES = ["network", "photo", "score", "masks", "as in the paper", "self-normalised (xplique)", "steady (default)"]


@dataclass(frozen=True)
class Subject:
    """A network, as Vitrine and as xplique take it, and a photo with its most probable class."""

    network: WithEngines
    module: Any
    preprocessing: Preprocessing
    image: Floats
    target: int
    score: float
    precisions: tuple[Precision, ...]

    def model(self, precision: Precision) -> Model:
        return Model(self.network.at(precision), self.preprocessing)


def opened(name: str) -> tuple[WithEngines, Any, Preprocessing, tuple[Precision, ...]]:
    """Open a network for both sides, and find the precisions that this processor offers."""
    import torch

    path, side = (None, subject.SIDE) if name == "MobileNetV2" else (RESNET20, 32)
    source = subject.sample("PyTorch") if path is None else of_file(path)
    module = subject.as_their_user_has_it(source, name) if path is None else torch.jit.load(str(path)).eval()
    network = model_adapters.load(source, model_adapters.inspect(source), tempfile.mkdtemp())
    assert isinstance(network, WithEngines)
    engines = network.engines(side, side)
    print(*engines, sep="\n", file=sys.stderr)
    precisions = tuple(sorted({engine.precision for engine in engines if engine.used}, reverse=True))
    return network, module, presets(side, side)["ImageNet mean/std"], precisions


def of_file(path: Path) -> ModelSource:
    return ModelSource(str(path), path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def subjects(name: str, photos: list[str]) -> Iterator[tuple[str, Subject]]:
    network, module, preprocessing, precisions = opened(name)
    for photo in photos:
        picture = next(known for known in sample_photos() if known.path.name.startswith(photo)).picture()
        image = preprocessing.place(picture.pixels)
        scores = Model(network, preprocessing).predict(image[None])[0]
        target = int(scores.argmax())
        yield photo, Subject(network, module, preprocessing, image, target, float(scores[target]), precisions)


@dataclass(frozen=True)
class Reference:
    """Masks of one seed as their cells, and the class's scores (n, 1) under them; together they give a map."""

    masks: Masks
    cells: Cells
    scores: Floats

    @classmethod
    def of(cls, name: str, case: Subject, count: int) -> Reference:
        """Return the reference; its scores are computed only if they are not on disk yet."""
        path = CACHE / f"{name}_{count}.npy"
        masks = Masks(case.image.shape[:2], GRID, KEPT, SEED)
        cells = masks.cells(count)
        if not path.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            np.save(path, np.concatenate(list(scores_under(case, masks, cells))))
        return cls(masks, cells, np.load(path))

    def average(self, first: int, last: int, steady: bool = True) -> Floats:
        """Return the map by some of the masks, by Vitrine's default or as in the paper."""
        average = MaskAverage(self.masks, 1, surrogate=steady, bounded=True)
        average.add(self.scores[first:last], Cells(self.cells.kept[first:last], self.cells.shifts[first:last]))
        return average.estimate(1.0).maps[0]

    def self_normalised(self, first: int, last: int) -> Floats:
        """Return the map by xplique's estimator: the mean weighted by the masks themselves."""
        weights, sums = np.zeros((2, *self.masks.size))
        for start in range(first, last, 500):
            block = slice(start, min(start + 500, last))
            pixels = self.masks.pixels(Cells(self.cells.kept[block], self.cells.shifts[block]))
            weights += pixels.sum(axis=0)
            sums += np.einsum("n,nhw->hw", self.scores[block, 0], pixels)
        return sums / weights

    def share(self, map_of: Callable[[int, int], Floats], masks: int) -> float:
        """Return the mean noise share of maps made from `masks` masks, from blocks of the reference's own.

        A block is part of the reference, which hides masks / count of its noise; that is put back.
        """
        count, whole = len(self.scores), self.average(0, len(self.scores))
        blocks = [noise_share(map_of(start, start + masks), whole) for start in range(0, count - masks + 1, masks)]
        return float(np.mean(blocks)) / (1 - masks / count)


def scores_under(case: Subject, masks: Masks, cells: Cells) -> Iterator[Floats]:
    model, count = case.model("float32"), len(cells.kept)
    for start in range(0, count, BATCH):
        batch = slice(start, start + BATCH)
        pictures = masked(case.image, masks, Cells(cells.kept[batch], cells.shifts[batch]))
        yield model.predict(pictures)[:, [case.target]]
        if start % (100 * BATCH) == 0:
            print(f"reference: {start} of {count} masks", file=sys.stderr, flush=True)


def noise_share(heatmap: Floats, reference: Floats) -> float:
    return float(np.var(np.asarray(heatmap, np.float64) - reference) / np.var(reference, dtype=np.float64))


def by_xplique(case: Subject, masks: int) -> Callable[[], object]:
    import tensorflow as tf
    from xplique.attributions import Rise as XpliqueRise
    from xplique.wrappers import TorchWrapper

    wrapped = TorchWrapper(case.module, "cpu", is_channel_first=True)
    sizes = {"batch_size": Rise().batch_size, "grid_size": GRID, "preservation_probability": KEPT}
    rise = XpliqueRise(wrapped, nb_samples=masks, **sizes)
    inputs = tf.constant(case.preprocessing.normalise(case.image[None]))
    wanted = tf.one_hot([case.target], case.network.card.classes)
    return partial(rise.explain, inputs, wanted)


def contest(name: str, photo: str, case: Subject, reference: Reference, rounds: int) -> Iterator[list[str]]:
    """Yield a row for each precision; all sides take turns in every round, after a warm-up round."""
    masks = round(BLOCKS[0] * reference.share(reference.self_normalised, BLOCKS[0]) / NOISE_WANTED)
    theirs, precisions = by_xplique(case, masks), case.precisions
    times: dict[str, list[float]] = {"xplique": [], **{precision: [] for precision in precisions}}
    ended: dict[str, Any] = {}

    def ours(precision: Precision, seed: int) -> None:
        method = Rise(samples=20000, grid=GRID, preservation=KEPT, seed=seed)
        *_, ended[precision] = method.explain(case.model(precision), case.image, np.array([case.target]))

    for number in range(rounds + 1):
        for side in sorted(times, reverse=number % 2 == 1):
            run = theirs if side == "xplique" else partial(ours, side, FIRST_SEED + number)
            times[side].append(seconds(run))
        print(f"{name}, {photo}: round {number} of {rounds}", file=sys.stderr, flush=True)
    whole = reference.average(0, len(reference.scores))
    for precision in precisions:
        ratio = statistics.median(a / b for a, b in zip(times["xplique"][1:], times[precision][1:], strict=True))
        share, drawn = noise_share(ended[precision].maps[0], whole), ended[precision].notes[0].split()[2]
        our_time, peer_time = (f"{statistics.median(times[side][1:]):.2f} s" for side in (precision, "xplique"))
        yield [
            name,
            photo,
            f"{case.score:.2f}",
            precision,
            our_time,
            drawn,
            f"{share:.3f}",
            peer_time,
            str(masks),
            f"{ratio:.2f}",
        ]


def shares(name: str, photo: str, case: Subject, reference: Reference) -> Iterator[list[str]]:
    """Yield the noise shares of the three estimators at equal numbers of masks."""
    for masks in (count for count in BLOCKS if 2 * count <= len(reference.scores)):
        ways = (partial(reference.average, steady=False), reference.self_normalised, reference.average)
        yield [name, photo, f"{case.score:.2f}", str(masks), *(f"{reference.share(way, masks):.3f}" for way in ways)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.noise", description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", nargs="+", default=["MobileNetV2", "ResNet-20"], metavar="NAME")
    parser.add_argument("--photos", nargs="+", default=list(PHOTOS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count; medians are printed")
    parser.add_argument("--reference", type=int, default=50000, help="masks of a reference")
    parser.add_argument("--processor-time", action="store_true", help="count work, not time, on a busy machine")
    chosen = parser.parse_args()
    if chosen.processor_time:
        os.environ[CLOCK] = "yes"
    share_rows, contest_rows = [], []
    for name in chosen.networks:
        for photo, case in subjects(name, chosen.photos):
            reference = Reference.of(f"{name}_{photo}", case, chosen.reference)
            share_rows += shares(name, photo, case, reference)
            contest_rows += contest(name, photo, case, reference, chosen.rounds)
    print(f"{machine()}; references of {chosen.reference} masks; medians of {chosen.rounds} rounds\n")
    print(table(SHARES, share_rows), table(HEADS, contest_rows), sep="\n\n")


if __name__ == "__main__":
    main()
