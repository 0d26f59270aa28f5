"""Results on disk by their content, so that a question that was answered once is answered at once."""

from __future__ import annotations

import io
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from xai_core.detection.method import DetectionMethod
from xai_core.detection.pictures import map_size
from xai_core.detector import BoxTarget, Detections
from xai_core.jobs.base import AS_IT_IS, Job, JobState, Runner, Status
from xai_core.jobs.messages import estimate_from_frame, estimate_to_frame
from xai_core.method import Method
from xai_core.preprocessing import Preprocessing
from xai_core.services.results_key import key_of, key_of_boxes
from xai_core.types import Card, Conditions, Engine, Estimate, Floats, Indices, ModelSource, Score

LOG = logging.getLogger(__name__)
USUAL_MB = 1024.0
ENDING, PART = ".npz", ".part"
PART_SECONDS = 3600.0  # a file that nobody finished for so long has been left by a process that is gone


@dataclass(frozen=True)
class Remembered:
    """An answer as it was kept: the estimate, and how many seconds it took when it was computed."""

    estimate: Estimate
    seconds: float


class ResultsCache:
    """A folder of answers, which several processes may use at once.

    most_bytes: what its files may take together; beyond that the one that was used longest ago goes. What can not be
    read is removed and what can not be written is left out: a cache never stops an explanation.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return the cache that VITRINE_CACHE and VITRINE_CACHE_MB describe; None where it is switched off."""
        most_bytes = int(_megabytes(os.environ.get("VITRINE_CACHE_MB")) * (1 << 20))
        folder = os.environ.get("VITRINE_CACHE") or os.path.expanduser("~/.cache/vitrine/results")
        return cls(Path(folder), most_bytes) if most_bytes > 0 else None

    def recall(self, key: str, shape: tuple[int, int, int]) -> Remembered | None:
        """Return what is kept under a key for maps of `shape` (T, H, W), or None."""
        path = self._path(key)
        try:
            found = _unpacked(path.read_bytes(), shape)
        except FileNotFoundError:
            return None
        except Exception:  # whatever a damaged file leads to
            LOG.warning("A kept result could not be read and is removed.", exc_info=True)
            _remove(path)
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def keep(self, key: str, answer: Remembered) -> None:
        """Write an answer; the oldest ones make room for it."""
        data = _packed(answer)
        if len(data) > self._most_bytes:
            return
        try:
            self._write(self._path(key), data)
            self._make_room()
        except OSError as error:
            LOG.warning("A result could not be kept: %s", error.strerror)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{ENDING}"

    def _write(self, path: Path, data: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, part = tempfile.mkstemp(suffix=PART, dir=self._folder)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            os.replace(part, path)
        except OSError:
            _remove(Path(part))
            raise

    def _make_room(self) -> None:
        with self._lock:
            entries = sorted(self._entries())
            size = sum(size for _, size, _ in entries)
            for used, taken, path in entries:
                if time.time() - used > PART_SECONDS if path.suffix == PART else size > self._most_bytes:
                    _remove(path)
                    size -= taken

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Return when each file was last used (seconds since 1970), its size in bytes, and its path."""
        found = []
        for path in self._folder.iterdir():
            try:
                state = path.stat()
            except FileNotFoundError:  # another process made room
                continue
            if path.suffix in (ENDING, PART):
                found.append((state.st_mtime, state.st_size, path))
        return found


class RememberedJob(Job[Estimate]):
    """A job that was answered from the cache; `seconds` of its state is what the answer took when it was computed."""

    def __init__(self, answer: Remembered) -> None:
        super().__init__(cancel=lambda: None)
        self.update(status=Status.DONE, latest=answer.estimate, seconds=answer.seconds)


class RememberingRunner:
    """A runner that asks the cache before it asks another runner, and keeps what that one answers."""

    def __init__(self, runner: Runner, cache: ResultsCache) -> None:
        self._runner, self._cache = runner, cache
        self._writer = ThreadPoolExecutor(1, "results-cache")  # a job ends on a thread that must not wait for a disk
        self._closed = False

    def open(self, source: ModelSource) -> Job[Card]:
        """Load a model, unless it is loaded, and tell what it is."""
        return self._runner.open(source)

    def engines(
        self, source: ModelSource, preprocessing: Preprocessing, images: Floats | None = None
    ) -> Job[tuple[Engine, ...]]:
        """Find out what the forward passes may run on."""
        return self._runner.engines(source, preprocessing, images)

    def predict(
        self, source: ModelSource, preprocessing: Preprocessing, images: Floats, score: Score = "probability"
    ) -> Job[Floats]:
        """Score images (N, H, W, 3) float32 in [0, 1] at the input's size; the result is (N, K) float32."""
        return self._runner.predict(source, preprocessing, images, score)

    def pooled(
        self, source: ModelSource, preprocessing: Preprocessing, images: Floats, targets: Indices, layer: str
    ) -> Job[tuple[Floats, Floats]]:
        """Look at a layer for images (N, H, W, 3), and at its slope towards a class each, (N,)."""
        return self._runner.pooled(source, preprocessing, images, targets, layer)

    def explain(
        self,
        source: ModelSource,
        preprocessing: Preprocessing,
        method: Method,
        image: Floats,
        targets: Indices,
        conditions: Conditions = AS_IT_IS,
    ) -> Job[Estimate]:
        """Explain the scores of `targets` (T,) for an image (H, W, 3), at once where that is remembered."""
        key = key_of(source, preprocessing, method, image, targets, conditions)
        answer = self._cache.recall(key, (len(targets), *image.shape[:2]))
        if answer is not None:
            return RememberedJob(answer)
        job = self._runner.explain(source, preprocessing, method, image, targets, conditions)
        job.when_ended(self._keeping(key))
        return job

    def detect(self, source: ModelSource, image: Floats, floor: float) -> Job[Detections]:
        """Find the boxes in an image (H, W, 3) float32 in [0, 1] whose score is at least `floor`."""
        return self._runner.detect(source, image, floor)

    def detector_engines(self, source: ModelSource, image: Floats) -> Job[tuple[Engine, ...]]:
        """Find out what a detector may run on, for images like this one (H, W, 3)."""
        return self._runner.detector_engines(source, image)

    def explain_boxes(
        self,
        source: ModelSource,
        method: DetectionMethod,
        image: Floats,
        targets: Sequence[BoxTarget],
        conditions: Conditions = AS_IT_IS,
    ) -> Job[Estimate]:
        """Explain boxes that were found in an image (H, W, 3), at once where that is remembered."""
        key = key_of_boxes(source, method, image, targets, conditions)
        answer = self._cache.recall(key, (len(targets), *map_size(image)))
        if answer is not None:
            return RememberedJob(answer)
        job = self._runner.explain_boxes(source, method, image, targets, conditions)
        job.when_ended(self._keeping(key))
        return job

    def release(self, owner: str) -> None:
        """End the processes of an owner; what they answered stays remembered."""
        self._runner.release(owner)

    def close(self) -> None:
        """Close the runner below, and wait until what it answered is written."""
        self._runner.close()
        self._closed = True
        self._writer.shutdown()

    def _keeping(self, key: str) -> Callable[[JobState[Estimate]], None]:
        def keep(state: JobState[Estimate]) -> None:
            if state.status is Status.DONE and state.latest is not None and not self._closed:
                self._writer.submit(self._cache.keep, key, Remembered(state.latest, state.seconds))

        return keep


def remembering(runner: Runner) -> Runner:
    """Return a runner that remembers on disk, or `runner` itself where the environment switches that off."""
    cache = ResultsCache.from_environment()
    return runner if cache is None else RememberingRunner(runner, cache)


def _packed(answer: Remembered) -> bytes:
    values, arrays = estimate_to_frame(answer.estimate)
    header = json.dumps({"estimate": values, "seconds": answer.seconds}, allow_nan=False).encode()
    buffer = io.BytesIO()
    named: dict[str, Any] = {f"array{i}": array for i, array in enumerate(arrays)}
    np.savez(buffer, header=np.frombuffer(header, np.uint8), **named)
    return buffer.getvalue()


def _unpacked(data: bytes, shape: tuple[int, int, int]) -> Remembered:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        header: dict[str, Any] = json.loads(file["header"].tobytes())
        arrays: list[Any] = [file[name] for name in sorted(file.files) if name.startswith("array")]
    return Remembered(estimate_from_frame(header["estimate"], arrays, shape), float(header["seconds"]))


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        LOG.warning("A kept result could not be removed.", exc_info=True)


def _megabytes(text: str | None) -> float:
    try:
        return float(text) if text else USUAL_MB
    except ValueError:
        LOG.warning("VITRINE_CACHE_MB must be a number of megabytes; got %r, so %g is taken.", text, USUAL_MB)
        return USUAL_MB
