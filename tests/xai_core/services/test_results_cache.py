"""What was answered once is answered at once, also after a restart; nothing on the disk can break an explanation."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xai_core.methods  # noqa: F401
from xai_core.errors import WorkerDied
from xai_core.jobs.base import Job, Status
from xai_core.jobs.explanations import estimate_from_frame, estimate_to_frame
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.predict import Predict
from xai_core.method import method_named
from xai_core.preprocessing import Preprocessing
from xai_core.services.results_cache import RememberedJob, RememberingRunner, ResultsCache, remembering
from xai_core.types import Estimate, ModelSource

SHAPE = (2, 6, 9)
PLENTY = 1 << 20
SOURCE = ModelSource("/somewhere/model.onnx", "model.onnx", "ab" * 32)


class SlowRunner:
    """Notes what it is asked; the test ends its jobs."""

    def __init__(self):
        self.jobs = []

    def ask(self, source, question, asker=""):
        self.jobs.append(Job(cancel=lambda: None))
        return self.jobs[-1]

    def close(self):
        pass


@pytest.fixture
def cache(tmp_path):
    return ResultsCache(tmp_path / "results", PLENTY)


@pytest.fixture
def question():
    image = np.random.default_rng(0).random((6, 9, 3), np.float32)
    return Explain(Preprocessing(6, 9), method_named("rise")(samples=200), image, np.array([3, 1]))


def estimate(seed=0, shape=SHAPE):
    maps = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return Estimate(1.0, maps, {"points": (1.5, None)}, np.abs(maps), ("A note, with “quotes”.",))


def keep(cache, key="key", seed=0):
    cache.keep(key, estimate_to_frame(estimate(seed)), 12.5)


def recall(cache, key="key", shape=SHAPE):
    return cache.recall(key, lambda values, arrays: estimate_from_frame(values, arrays, shape))


def entries(folder):
    return sorted(folder.glob("*/*.npz"))


def is_same(found, expected):
    return (
        np.array_equal(found.maps, expected.maps)
        and np.array_equal(found.standard_error, expected.standard_error)
        and (found.diagnostics, found.notes, found.fraction)
        == (expected.diagnostics, expected.notes, expected.fraction)
    )


def test_an_answer_comes_back_whole(cache):
    keep(cache)
    found = recall(cache)
    assert is_same(found.answer, estimate())
    assert found.seconds == 12.5


def test_an_answer_without_an_error_comes_back_without_one(cache):
    cache.keep("key", estimate_to_frame(replace(estimate(), standard_error=None)), 1.0)
    assert recall(cache).answer.standard_error is None


def test_an_unknown_key_has_no_answer(cache):
    assert recall(cache) is None


def test_the_folder_is_the_owners_alone(cache, tmp_path):
    keep(cache)
    (entry,) = entries(tmp_path / "results")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "results").rglob("*")}
    assert modes == {tmp_path / "results/name": 0o600, entry.parent: 0o700, entry: 0o600}
    assert stat.S_IMODE((tmp_path / "results").stat().st_mode) == 0o700


def test_nobody_finds_an_answer_without_the_name_of_the_hidden_folder(cache, tmp_path):
    keep(cache)
    (entry,) = entries(tmp_path / "results")
    assert entry.name == "key.npz"
    assert entry.parent.name == (tmp_path / "results/name").read_text()
    assert re.fullmatch("[0-9a-f]{32}", entry.parent.name)


def test_each_cache_has_a_name_of_its_own_and_all_who_share_it_find_it(cache, tmp_path):
    others = [ResultsCache(tmp_path / "others", PLENTY) for _ in range(2)]
    keep(cache), keep(others[0]), keep(others[1], "more")
    assert len({entry.parent.name for entry in tmp_path.rglob("*.npz")}) == 2
    assert is_same(recall(others[1]).answer, estimate())


@pytest.mark.parametrize("name", [b"", b"..", b"\xff" * 32, b"0" * 31, b"0" * 32 + b"\n"])
def test_a_damaged_name_is_replaced_by_a_new_one(cache, tmp_path, name):
    keep(cache)
    (tmp_path / "results/name").write_bytes(name)
    assert recall(cache) is None
    keep(cache)
    assert is_same(recall(cache).answer, estimate())
    assert len(entries(tmp_path / "results")) == 2


def test_answers_that_an_earlier_version_did_not_hide_are_removed(cache, tmp_path):
    (tmp_path / "results").mkdir()
    for name in ("ab" * 32, "a file of someone's own"):
        (tmp_path / f"results/{name}.npz").write_bytes(b"earlier")
    keep(cache)
    assert sorted(path.stem for path in (tmp_path / "results").rglob("*.npz")) == ["a file of someone's own", "key"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"fraction", b"friction"),
        lambda data: data[:700] + bytes(60) + data[760:],
        lambda data: b"\x93NUMPY\x01\x00" + data,
    ],
    ids=["empty", "cut short", "renamed", "overwritten", "another format"],
)
def test_a_damaged_entry_is_ignored_and_removed(cache, tmp_path, damage):
    keep(cache)
    (path,) = entries(tmp_path / "results")
    path.write_bytes(damage(path.read_bytes()))
    assert recall(cache) is None
    assert not path.exists()


def test_a_pickle_is_never_read(cache, tmp_path):
    keep(cache)
    (path,) = entries(tmp_path / "results")
    np.savez(path, header=np.array([{"a": 1}], object), array0=np.zeros(SHAPE, np.float32))
    assert recall(cache) is None


def test_maps_of_a_different_shape_are_not_used(cache):
    keep(cache)
    assert recall(cache, shape=(2, 9, 6)) is None


def test_the_least_recently_used_answer_makes_room(tmp_path):
    for age, name in enumerate(("younger", "older"), start=1):
        keep(ResultsCache(tmp_path, PLENTY), name)
        (entry,) = tmp_path.rglob(f"{name}.npz")
        os.utime(entry, (1e9 - age, 1e9 - age))
    cache = ResultsCache(tmp_path, int(entry.stat().st_size * 2.5))
    recall(cache, "older")
    keep(cache, "new")
    assert [path.stem for path in entries(tmp_path)] == ["new", "older"]


def test_an_answer_larger_than_the_limit_is_not_kept(tmp_path):
    keep(ResultsCache(tmp_path / "results", 100))
    assert not (tmp_path / "results").exists()


def test_unfinished_files_of_other_processes_are_removed_after_a_while(cache, tmp_path):
    keep(cache)
    (entry,) = entries(tmp_path / "results")
    old, fresh = entry.with_name("old.part"), tmp_path / "results/fresh.part"
    old.touch(), fresh.touch()
    os.utime(old, (0, 0))
    keep(cache, "other")
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "file").touch()
    cache = ResultsCache(tmp_path / "file" / "results", PLENTY)
    keep(cache)
    assert recall(cache) is None


WRITES_OVER_AND_OVER = """
import sys
from pathlib import Path
import numpy as np
from xai_core.services.results_cache import ResultsCache
cache = ResultsCache(Path(sys.argv[1]), 40_000)
maps = np.ones((2, 6, 9), np.float32)
for turn in range(60):
    key = f"key{turn % 30}"
    cache.keep(key, ({}, [maps]), 1.0)
    found = cache.recall(key, lambda values, arrays: arrays[0])
    assert found is None or (found.answer == 1).all()
"""


def test_several_processes_share_a_folder(tmp_path):
    command = [sys.executable, "-W", "error", "-c", WRITES_OVER_AND_OVER, str(tmp_path)]
    root = Path(__file__).resolve().parents[3]
    started = [subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=540)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert not any(b"removed" in words for words in said)


def test_the_environment_sets_the_folder_and_the_size(monkeypatch, tmp_path):
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "there"))
    monkeypatch.setenv("VITRINE_CACHE_MB", "1")
    keep(ResultsCache.from_environment())
    assert (tmp_path / "there").exists()


@pytest.mark.parametrize(("megabytes", "is_on"), [("0", False), ("0.5", True), ("", True), ("plenty", True)])
def test_zero_megabytes_switch_it_off(monkeypatch, tmp_path, megabytes, is_on):
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path))
    monkeypatch.setenv("VITRINE_CACHE_MB", megabytes)
    runner = SlowRunner()
    assert (remembering(runner) is not runner) == is_on


def test_a_second_question_is_answered_at_once_also_after_a_restart(cache, question):
    slow = SlowRunner()
    runner = RememberingRunner(slow, cache)
    job = runner.ask(SOURCE, question)
    job.update(status=Status.RUNNING, latest=estimate(1))
    job.update(status=Status.DONE, latest=estimate(2), seconds=4.0)
    runner.close()
    again = RememberingRunner(slow, cache).ask(SOURCE, question)
    assert isinstance(again, RememberedJob)
    assert is_same(again.result(), estimate(2))
    assert again.state.seconds == 4.0
    assert len(slow.jobs) == 1


@pytest.mark.parametrize("end", [{"status": Status.CANCELLED}, {"status": Status.FAILED, "error": WorkerDied("Gone.")}])
def test_what_did_not_finish_is_not_remembered(cache, question, end):
    slow = SlowRunner()
    runner = RememberingRunner(slow, cache)
    job = runner.ask(SOURCE, question)
    job.update(status=Status.RUNNING, latest=estimate())
    job.update(**end)
    runner.close()
    assert RememberingRunner(slow, cache).ask(SOURCE, question) is slow.jobs[1]


def test_what_is_not_worth_keeping_is_asked_each_time(cache, tmp_path):
    slow = SlowRunner()
    runner = RememberingRunner(slow, cache)
    question = Predict(Preprocessing(6, 9), np.zeros((1, 6, 9, 3), np.float32))
    for _ in range(2):
        runner.ask(SOURCE, question).update(status=Status.DONE, latest=np.ones((1, 3), np.float32))
    runner.close()
    assert len(slow.jobs) == 2
    assert not (tmp_path / "results").exists()
