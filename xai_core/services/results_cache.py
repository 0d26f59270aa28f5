"""Answers on disk, by the digest of the question, so that the same question is answered at once next time."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self

import numpy as np

from xai_core.jobs.base import Job, JobState, Runner, Status
from xai_core.jobs.frames import Arrays, Frame
from xai_core.jobs.question import Answer, KeptQuestion, Question
from xai_core.services.hidden_folder import PART, hidden_folder, is_hidden_name, made_hidden_folder, write_whole
from xai_core.services.results_key import key_of
from xai_core.types import Card, ModelSource

LOG = logging.getLogger(__name__)
USUAL_MB = 1024.0
ENDING = ".npz"
_VISIBLE = re.compile(rf"[0-9a-f]{{64}}\{ENDING}")
PART_SECONDS = 3600.0  # an unfinished file of this age was left by a process that is gone


@dataclass(frozen=True)
class Remembered(Generic[Answer]):
    """An answer that was kept, and how many seconds it took to compute."""

    answer: Answer
    seconds: float


class ResultsCache:
    """A folder of answers, which several processes may use at once. They lie in a hidden folder below it.

    adapters: name of the package that opens the models, because an answer also depends on its code. most_bytes: the
    total size of the files; beyond it the least recently used are removed. Files that cannot be read are removed, and
    answers that cannot be written are skipped, so the cache never stops an explanation.
    """

    def __init__(self, folder: Path, most_bytes: int, adapters: str = "") -> None:
        self._folder, self._most_bytes, self.adapters = folder, most_bytes, adapters
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls, adapters: str = "") -> Self | None:
        """Return the cache that VITRINE_CACHE and VITRINE_CACHE_MB describe; None if it is switched off."""
        most_bytes = int(_megabytes(os.environ.get("VITRINE_CACHE_MB")) * (1 << 20))
        folder = os.environ.get("VITRINE_CACHE") or os.path.expanduser("~/.cache/vitrine/results")
        return cls(Path(folder), most_bytes, adapters) if most_bytes > 0 else None

    def recall(self, key: str, read: Callable[[Any, Arrays], Answer]) -> Remembered[Answer] | None:
        """Return what is kept under a key, or None.

        read: makes an answer of JSON values and arrays, or raises BadFrame; see `Question.answer_from_frame`.
        """
        if (hidden := hidden_folder(self._folder)) is None:
            return None
        path = hidden / f"{key}{ENDING}"
        try:
            (values, arrays), seconds = _unpacked(path.read_bytes())
            answer = Remembered(read(values, arrays), seconds)
        except FileNotFoundError:
            return None
        except Exception:  # whatever a damaged file causes
            LOG.warning("A kept answer could not be read and is removed.", exc_info=True)
            _remove(path)
            return None
        with suppress(OSError):
            os.utime(path)
        return answer

    def keep(self, key: str, frame: Frame, seconds: float) -> None:
        """Write an answer that took some seconds, as JSON values and arrays; the oldest answers make room for it."""
        data = _packed(frame, seconds)
        if len(data) > self._most_bytes:
            return
        try:
            write_whole(made_hidden_folder(self._folder) / f"{key}{ENDING}", data)
            self._make_room()
        except OSError as error:
            LOG.warning("An answer could not be kept: %s", error.strerror)

    def _make_room(self) -> None:
        with self._lock:
            entries = sorted(self._entries())
            size = sum(size for _, size, _ in entries)
            for used, taken, path in entries:
                if time.time() - used > PART_SECONDS if path.suffix == PART else not used or size > self._most_bytes:
                    _remove(path)
                    size -= taken

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Return when each file was last used (seconds since 1970), its size in bytes, and its path.

        Answers that lie in no hidden folder are of an earlier version; they count as never used.
        """
        entries = []
        for path in self._files():
            try:
                state = path.stat()
            except FileNotFoundError:  # another process made room
                continue
            visible = path.suffix == ENDING and path.parent == self._folder
            entries.append((0 if visible else state.st_mtime, state.st_size, path))
        return entries

    def _files(self) -> Iterator[Path]:
        """Return what caches have written into the folder, finished or not."""
        for path in self._folder.iterdir():
            if is_hidden_name(path.name):
                yield from (file for file in path.iterdir() if file.suffix in (ENDING, PART))
            elif path.suffix == PART or _VISIBLE.fullmatch(path.name):
                yield path


class RememberedJob(Job[Answer]):
    """A job that was answered from the cache; `seconds` of its state says how long the answer took to compute."""

    def __init__(self, remembered: Remembered[Answer]) -> None:
        super().__init__(cancel=lambda: None)
        self.update(status=Status.DONE, latest=remembered.answer, seconds=remembered.seconds)


class RememberingRunner:
    """A runner that looks into the cache before it asks a different runner, whose answers it keeps."""

    def __init__(self, runner: Runner, cache: ResultsCache) -> None:
        self._runner, self._cache = runner, cache
        self._writer = ThreadPoolExecutor(1, "results-cache")  # the thread that ends a job must not wait for a disk
        self._closed = False

    def open(self, source: ModelSource) -> Job[Card]:
        """Load a model unless it is loaded; the answer is its card."""
        return self._runner.open(source)

    def ask(self, source: ModelSource, question: Question[Answer], asker: str = "") -> Job[Answer]:
        """Ask a model a question; one whose answer is remembered is answered at once."""
        if not isinstance(question, KeptQuestion):
            return self._runner.ask(source, question, asker)
        key = key_of(source, question, self._cache.adapters)
        if remembered := self._cache.recall(key, question.answer_from_frame):
            return RememberedJob(remembered)
        job = self._runner.ask(source, question, asker)
        job.when_ended(self._keeping(key, question))
        return job

    def release(self, owner: str) -> None:
        """End the processes of an owner; their answers stay in the cache."""
        self._runner.release(owner)

    def close(self) -> None:
        """Close the wrapped runner, and wait until its answers are written."""
        self._runner.close()
        self._closed = True
        self._writer.shutdown()

    def _keeping(self, key: str, question: KeptQuestion[Answer]) -> Callable[[JobState[Answer]], None]:
        def keep(state: JobState[Answer]) -> None:
            if state.status is Status.DONE and state.latest is not None and not self._closed:
                self._writer.submit(self._cache.keep, key, question.answer_to_frame(state.latest), state.seconds)

        return keep


def remembering(runner: Runner, adapters: str = "") -> Runner:
    """Return a runner that keeps its answers on disk, or `runner` itself if the environment switches the cache off.

    adapters: name of the package with which `runner` opens models, because an answer also depends on its code.
    """
    cache = ResultsCache.from_environment(adapters)
    return runner if cache is None else RememberingRunner(runner, cache)


def _packed(frame: Frame, seconds: float) -> bytes:
    values, arrays = frame
    header = json.dumps({"values": values, "seconds": seconds}, allow_nan=False).encode()
    buffer = io.BytesIO()
    named: dict[str, Any] = {f"array{number:02}": array for number, array in enumerate(arrays)}
    np.savez(buffer, header=np.frombuffer(header, np.uint8), **named)
    return buffer.getvalue()


def _unpacked(data: bytes) -> tuple[Frame, float]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        header: dict[str, Any] = json.loads(file["header"].tobytes())
        arrays: Arrays = [file[name] for name in sorted(file.files) if name.startswith("array")]
    return (header["values"], arrays), float(header["seconds"])


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        LOG.warning("A kept answer could not be removed.", exc_info=True)


def _megabytes(text: str | None) -> float:
    try:
        return float(text) if text else USUAL_MB
    except ValueError:
        LOG.warning("VITRINE_CACHE_MB must be a number of megabytes; got %r, so %g is used.", text, USUAL_MB)
        return USUAL_MB
