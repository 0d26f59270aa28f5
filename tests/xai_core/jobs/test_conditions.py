"""The same question under other conditions: precision, a random last layer, another library, little memory."""

from __future__ import annotations

import gc
import os
import resource
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.xai_core.jobs.asking import SIZE, fake_runner
from xai_core.errors import OutOfMemory, ParamError
from xai_core.jobs.base import Job, Status
from xai_core.jobs.limits import Limits
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.types import Conditions

SECONDS = 120
FEW_MODELS, MODELS = 6, 50


@pytest.mark.parametrize(
    ("conditions", "score"),
    [
        (Conditions(), 0.5),
        (Conditions(precision="bfloat16"), 1.0),
        (Conditions(random_last_layer=3), 3.5),
        (Conditions(precision="bfloat16", random_last_layer=3), 4.0),
    ],
)
def test_an_explanation_is_that_of_the_network_under_its_conditions(runner, source, explain, conditions, score):
    found = explain(runner, source(), "brightness", conditions=conditions).result(SECONDS)
    assert (found.maps == score).all()


def test_a_method_that_cannot_be_fast_throughout_is_exact(runner, source, explain):
    found = explain(runner, source(), "mixed", conditions=Conditions(precision="bfloat16")).result(SECONDS)
    assert (found.maps == 0.5).all()


@pytest.mark.parametrize("target", [-1, 3])
def test_a_class_that_the_model_does_not_have_is_refused(runner, source, explain, target):
    with pytest.raises(ParamError, match=f"from 0 to 2; got {target}"):
        explain(runner, source(), "brightness", targets=(0, target)).result(SECONDS)


def test_a_peer_library_can_compute_the_map(runner, source, explain):
    found = explain(runner, source(), steps=7, conditions=Conditions(peer="captum")).result(SECONDS)
    assert (found.maps == 13).all()
    assert found.maps.shape == (2, SIZE.height, SIZE.width)


def test_too_large_a_batch_is_halved_and_a_note_says_so(runner, source, explain):
    found = explain(runner, source("roomless"), "brightness").result(SECONDS)
    assert (found.maps == 0.5).all()
    assert "pictures were processed one at a time" in found.notes[0]


@pytest.mark.parametrize("model", ["plain", "roomless"])
def test_pictures_that_fill_the_memory_before_the_model_sees_them_are_made_in_smaller_batches(
    runner, source, explain, model
):
    found = explain(runner, source(model), "bulky", room=3, batch_size=20).result(SECONDS)
    assert (found.maps == 2).all()
    (note,) = found.notes
    assert ("2 at a time" if model == "plain" else "one at a time") in note


def test_a_single_picture_that_fills_the_memory_ends_in_a_sentence(runner, source, explain):
    with pytest.raises(OutOfMemory, match="needs more than"):
        explain(runner, source(), "bulky", room=0).result(SECONDS)


def test_the_engines_are_those_for_the_size_of_the_input(runner, source):
    (engine,) = runner.ask(source(), FindEngines(SIZE)).result(SECONDS)
    assert (engine.name, engine.used, engine.milliseconds) == ("Fake", True, 20.0)


@pytest.mark.long
def test_engines_that_take_their_time_are_waited_for(source, explain):
    runner = fake_runner(limits=Limits(step_seconds=1.5))
    try:
        assert len(runner.ask(source("slow"), FindEngines(SIZE)).result(SECONDS)) == 1
        assert explain(runner, source("slow"), "brightness").result(SECONDS).fraction == 1
    finally:
        runner.close()


@pytest.mark.parametrize(("steps", "status"), [(1, Status.DONE), (2, Status.FAILED)])
def test_a_first_step_may_take_longer_than_others(source, explain, steps, status):
    runner = fake_runner(limits=Limits(step_seconds=1.0))
    try:
        assert explain(runner, source(), steps=steps, pause=2.0).wait(SECONDS).status is status
    finally:
        runner.close()


def test_a_listener_hears_of_the_end_once():
    heard, job = [], Job(lambda: None)
    job.when_ended(heard.append)
    job.update(status=Status.DONE, latest=1)
    job.update(status=Status.FAILED)
    job.when_ended(heard.append)
    assert [state.latest for state in heard] == [1, 1]


def children():
    """Return the processes that any thread of this one has started."""
    found = set()
    for thread in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            found |= set(Path(f"/proc/self/task/{thread}/children").read_text().split())
    return found


def gone(before, seconds=SECONDS):
    """Return whether all processes beyond those of `before` end within some seconds."""
    until = time.monotonic() + seconds
    while not children() <= before and time.monotonic() < until:
        time.sleep(0.05)
    return children() <= before


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.mark.long
def test_models_one_after_another_leave_no_process(source, explain):
    runner, before = fake_runner(), children()
    sizes_after(runner, FEW_MODELS, source, explain)
    assert gone(before)
    runner.close()


@pytest.mark.long
def test_fifty_models_one_after_another_leave_no_process_and_no_memory(source, explain):
    runner, before = fake_runner(), children()
    sizes = sizes_after(runner, MODELS, source, explain)
    assert gone(before)
    runner.close()
    assert sizes[-1] - sizes[MODELS // 5] < 5


def sizes_after(runner, models, source, explain):
    """Ask and release some models, one after another; return the size of this process in MB after each."""
    before, sizes = children(), []
    for number in range(models):
        owner = f"owner {number}"
        explain(runner, source(owner=owner), steps=2).result(SECONDS)
        assert children() - before
        runner.release(owner)
        gc.collect()
        sizes.append(resident_mb())
    return sizes
