"""Draw a small example picture of each method: the cat explained by the sample model, or the box around a digit.

Draws the missing pictures; `--all` draws all of them again. Methods that the sample models do not support are listed
with the reason.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitrine.cli.progress import tell
from vitrine.example_pictures import WITHOUT_EXAMPLE
from vitrine.folders import examples_folder
from vitrine.progress import follow
from vitrine.runner import local_runner
from vitrine.samples import sample_detectors, sample_models, sample_photos
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.detection import methods as detection_methods  # noqa: F401  (registers them)
from xai_core.detection.method import DetectionMethod
from xai_core.detection.pictures import image_of, outlined
from xai_core.detection.shown import LEAST_SCORE
from xai_core.detector import BoxTarget
from xai_core.filters.clip import PercentileClip
from xai_core.guide import in_order, reason_against
from xai_core.jobs.base import Job
from xai_core.jobs.local import LocalRunner
from xai_core.jobs.questions.detect import Detect
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.method import Catalogued, Method
from xai_core.params import Size
from xai_core.pictures.overlays import Look, overlay
from xai_core.services import asking
from xai_core.services.detector_preparation import prepared_detector
from xai_core.services.preparation import opened, prepare
from xai_core.types import Card, Estimate, Task

SIDE, MOST_BYTES = 192, 12 << 10
FEWER = {"samples": 500, "steps": 30, "stride": 16, "channels": 64, "permutations": 8, "rows": 8}
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Subject:
    """A sample that every method for its task explains.

    size: height and width that parameters are fitted to. photo: the picture to draw maps over. corners: the explained
    box, (1, 4), or none, (0, 4), in pixels of the photo. ask: starts a method for the task.
    """

    card: Card
    size: Size
    photo: Pixels
    corners: NDArray[np.float32]
    ask: Callable[[Any], Job[Estimate]]


def main() -> int:
    """Draw the examples; return the exit code."""
    examples_folder().mkdir(parents=True, exist_ok=True)
    runner = local_runner()
    try:
        _draw_all({"classify": _cat(runner), "detect": _digit(runner)})
    finally:
        runner.close()
    return 0


def encoded(picture: Image.Image) -> bytes:
    """Return a picture as WebP, at the best quality that fits into 12 KiB."""
    for quality in range(85, 0, -5):
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MOST_BYTES:
            break
    return buffer.getvalue()


def quick(method: type[Catalogued]) -> dict[str, Any]:
    """Return parameter values that make a method quick, for parameters whose default is not."""
    fewer = {p.name: p for p in method.params if p.name in FEWER and p.range and p.default > FEWER[p.name]}
    return {name: max(FEWER[name], p.kind(p.range.low)) for name, p in fewer.items() if p.range}


def _draw_all(subjects: dict[Task, Subject]) -> None:
    reasons = {method.id: reason_against(method, subjects[task].card) for task in subjects for method in in_order(task)}
    without = {
        method_id: f"{reason.split('. ')[0].rstrip('.')}." for method_id, reason in sorted(reasons.items()) if reason
    }
    (examples_folder() / WITHOUT_EXAMPLE).write_text(json.dumps(without, indent=2) + "\n", "utf-8")
    for path in examples_folder().glob("*.webp"):
        if path.stem not in reasons or path.stem in without or "--all" in sys.argv:
            path.unlink()
    for task, subject in subjects.items():
        for method in in_order(task):
            if method.id not in without and not (path := examples_folder() / f"{method.id}.webp").exists():
                _draw(subject, method, path)


def _draw(subject: Subject, chosen: type[Catalogued], path: Path) -> None:
    job = subject.ask(chosen.suited(subject.card, subject.size, quick(chosen)))
    heatmap = PercentileClip(percentile=95.0).apply(follow(job).maps)[0]
    drawn = Image.fromarray(outlined(overlay(subject.photo, heatmap, Look()), subject.corners))
    path.write_bytes(encoded(drawn.resize((SIDE, SIDE), Image.Resampling.LANCZOS)))
    print(f"{chosen.title}: {job.state.seconds:.1f} s, {path.stat().st_size / 1024:.1f} KiB")


def _cat(runner: LocalRunner) -> Subject:
    cat = sample_photos()[0].picture()
    source = next(sample for sample in sample_models() if sample.framework == "PyTorch").source()
    prepared = prepare(runner, source, [cat], sample_photos(), tell)
    way = prepared.preprocessing
    image = way.place(cat.pixels)
    targets = asking.probabilities(runner, source, way, [image], follow)[0].argmax(keepdims=True)

    def ask(method: Method) -> Job[Estimate]:
        return runner.ask(source, Explain(way, method, image, targets))

    return Subject(prepared.card, (way.height, way.width), way.view(cat.pixels), np.empty((0, 4), np.float32), ask)


def _digit(runner: LocalRunner) -> Subject:
    sample = sample_detectors()[0]
    scene = max(sample.scenes, key=lambda scene: len(scene.boxes)).picture()  # so that a map has to pick one box
    source = sample.source()
    detector = prepared_detector(source, opened(runner, source, tell), sample.labels)
    image = image_of(scene.pixels)
    target = BoxTarget.of(follow(runner.ask(source, Detect(image, LEAST_SCORE)), tell), 0)

    def ask(method: DetectionMethod) -> Job[Estimate]:
        return runner.ask(source, ExplainBoxes(method, image, [target]))

    return Subject(detector.card, image.shape[:2], scene.pixels, target.array, ask)


if __name__ == "__main__":
    sys.exit(main())
