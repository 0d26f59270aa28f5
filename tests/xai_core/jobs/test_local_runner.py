"""A runner keeps its promises to the app, with fake models in real processes."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.xai_core.jobs.asking import SIZE, fake_runner
from xai_core import errors
from xai_core.jobs import local, model_process
from xai_core.jobs.base import Status
from xai_core.jobs.limits import Limits
from xai_core.jobs.questions.pool_layer import PoolLayer
from xai_core.jobs.questions.predict import Predict
from xai_core.jobs.sandbox import SandboxState

SECONDS = 120
IMAGES = np.linspace(0, 1, 20 * 4 * 5 * 3, dtype=np.float32).reshape(20, 4, 5, 3)


def until(true):
    """Wait until something is true, which a broken runner never makes it."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def process_of(card):
    return int(card.notes[0].split()[1])


def test_opening_returns_the_card_of_the_model(runner, source):
    card = runner.open(source()).result(SECONDS)
    assert (card.classes, card.labels, card.framework) == (3, ("a", "b", "c"), "onnx")


def test_a_process_stands_one_step_behind_the_app(runner, source):
    process = process_of(runner.open(source()).result(SECONDS))
    assert os.getpriority(os.PRIO_PROCESS, process) == min(os.getpriority(os.PRIO_PROCESS, 0) + 1, 19)
    assert os.sched_getscheduler(process) == os.SCHED_BATCH


def test_a_path_may_be_relative(runner, source, monkeypatch):
    given = source(owner="relative")
    monkeypatch.chdir(os.path.dirname(given.path))
    assert runner.open(replace(given, path=os.path.basename(given.path))).result(SECONDS)


def test_predictions_are_those_of_the_network(runner, source):
    found = runner.ask(source(), Predict(SIZE, IMAGES)).result(SECONDS)
    raised = np.exp(IMAGES.mean(axis=(1, 2)))
    np.testing.assert_allclose(found, raised / raised.sum(axis=1, keepdims=True), rtol=1e-5)


def test_the_last_estimate_is_the_result(runner, source, explain):
    found = explain(runner, source(), steps=9).result(SECONDS)
    assert found.fraction == 1
    assert found.maps.shape == (2, 4, 5)
    assert (found.maps == 9).all()
    assert (found.standard_error == 4.5).all()


def test_an_explanation_shows_previews_while_it_runs(runner, source, explain):
    job = explain(runner, source(), steps=10_000, pause=0.01)
    until(lambda: job.state.latest is not None)
    assert job.state.status is Status.RUNNING
    assert job.state.latest.fraction < 1
    job.cancel()
    assert job.wait(SECONDS).status is Status.CANCELLED


def test_two_explanations_take_turns(runner, source, explain):
    long, short = (explain(runner, source(), steps=steps, pause=0.005) for steps in (10_000, 20))
    assert short.result(SECONDS).fraction == 1
    assert long.state.status is Status.RUNNING
    long.cancel()
    long.wait(SECONDS)


def test_a_prediction_need_not_wait_for_an_explanation(runner, source, explain):
    long = explain(runner, source(), steps=10_000, pause=0.005)
    assert len(runner.ask(source(), Predict(SIZE, IMAGES)).result(SECONDS)) == 20
    assert not long.state.ended
    long.cancel()
    long.wait(SECONDS)


def test_a_later_run_finds_what_a_cancelled_one_remembered(runner, source, explain):
    model = source(owner="remembering")
    first = explain(runner, model, steps=10_000, pause=0.005)
    until(lambda: first.state.latest is not None)
    first.cancel()
    first.wait(SECONDS)
    assert explain(runner, model, steps=1).result(SECONDS).diagnostics["remembered"][0] > 0


def test_a_job_that_waits_for_its_model_can_be_cancelled_at_once(source, explain):
    runner = fake_runner()
    job = explain(runner, source("endless"))
    assert job.state.doing
    job.cancel()
    assert job.state.status is Status.CANCELLED
    runner.close()


def test_a_refused_file_says_why(runner, source):
    with pytest.raises(errors.RefusedModel, match=r"^The file is empty\.$"):
        runner.open(source("refuse")).result(SECONDS)


@pytest.mark.parametrize("words", ["break", "fail"])
def test_a_message_never_contains_a_path_of_the_server(runner, source, words):
    error = runner.ask(source(words), Predict(SIZE, IMAGES)).wait(SECONDS).error
    assert isinstance(error, errors.ModelError)
    assert "secret" not in str(error)
    assert "/" not in str(error)


def test_a_framework_that_finds_no_memory_is_out_of_memory(runner, source):
    with pytest.raises(errors.OutOfMemory, match="needs more than 3500 MB"):
        runner.ask(source("hungry"), Predict(SIZE, IMAGES)).result(SECONDS)


@pytest.mark.parametrize(
    ("method", "given", "error", "says"),
    [
        ("greedy", {}, errors.MissingCapability, "Greedy needs gradients"),
        ("counting", {"steps": 0}, errors.ParamError, "Steps must be between"),
        ("counting", {"steps": 1.5}, errors.ParamError, "whole number"),
        ("unheard_of", {}, errors.ParamError, "no method called"),
        ("broken", {}, errors.ModelError, "not numbers"),
        ("broken", {"steps": 0}, errors.ModelError, "without a map"),
        ("sorry", {}, errors.ModelError, "nothing to explain"),
    ],
)
def test_a_failed_explanation_says_why_and_leaves_the_model(runner, source, explain, method, given, error, says):
    with pytest.raises(error, match=says):
        explain(runner, source(), method, **given).result(SECONDS)
    assert runner.loaded(source())


def test_a_process_that_died_is_replaced_on_the_next_call(runner, source):
    first = runner.open(source()).result(SECONDS)
    os.kill(process_of(first), 9)
    until(lambda: not runner.loaded(source()))
    assert process_of(runner.open(source()).result(SECONDS)) != process_of(first)


def test_the_jobs_of_a_process_that_dies_fail_with_a_sentence(runner, source):
    with pytest.raises(errors.WorkerDied, match="your pictures and settings are kept"):
        runner.ask(source("die"), Predict(SIZE, IMAGES)).result(SECONDS)


def test_a_model_that_hangs_is_stopped_at_its_deadline(source):
    runner = fake_runner(limits=Limits(step_seconds=1))
    with pytest.raises(errors.TimedOut, match=r"longer than 1 s and was stopped"):
        runner.ask(source("hang"), Predict(SIZE, IMAGES)).result(SECONDS)
    runner.close()


def test_asking_again_gives_a_model_that_hangs_no_more_time(source):
    runner = fake_runner(limits=Limits(step_seconds=1.5))
    first = runner.ask(source("hang"), Predict(SIZE, IMAGES))
    until(lambda: first.state.status is Status.RUNNING)
    until(lambda: runner.ask(source("hang"), Predict(SIZE, IMAGES[:1])).wait(0.2) and first.state.ended)
    assert isinstance(first.state.error, errors.TimedOut)
    runner.close()


def test_a_file_that_loads_for_ever_is_stopped_at_its_deadline(source):
    runner = fake_runner(limits=Limits(open_seconds=2))
    with pytest.raises(errors.TimedOut, match=r"longer than 2 s"):
        runner.open(source("endless")).result(SECONDS)
    runner.close()


def test_a_file_that_says_what_it_is_doing_may_load_for_longer(source):
    runner = fake_runner(limits=Limits(open_seconds=2))
    opening = runner.open(source("talkative 12"))
    assert opening.result(SECONDS).classes == 3
    runner.close()


def test_what_a_file_says_while_it_loads_is_shown(source):
    runner = fake_runner()
    opening, heard = runner.open(source("talkative 8")), set()
    while not opening.wait(0.05).ended:
        heard.add(opening.state.doing)
    assert any(doing.startswith("loading the model: building layer ") for doing in heard)
    runner.close()


def test_even_a_file_that_never_stops_talking_is_stopped(source):
    runner = fake_runner(limits=Limits(open_seconds=1))
    with pytest.raises(errors.TimedOut, match=r"longer than 1 s"):
        runner.open(source("talkative 99")).result(SECONDS)
    runner.close()


def test_different_owners_never_share_a_process(runner, source):
    cards = [runner.open(source(owner=owner)).result(SECONDS) for owner in ("someone", "another", "someone")]
    processes = [process_of(card) for card in cards]
    assert processes[0] == processes[2] != processes[1]


def test_release_ends_the_processes_of_an_owner_alone(runner, source):
    for owner in ("stays", "goes"):
        runner.open(source(owner=owner)).result(SECONDS)
    runner.release("goes")
    assert not runner.loaded(source(owner="goes"))
    assert runner.loaded(source(owner="stays"))


def test_release_cancels_running_jobs(runner, source, explain):
    job = explain(runner, source(owner="goes"), steps=10_000, pause=0.01)
    until(lambda: job.state.status is Status.RUNNING)
    runner.release("goes")
    assert job.wait(SECONDS).status is Status.CANCELLED


def test_the_least_recently_used_idle_model_makes_room(source):
    runner = fake_runner(most_processes=2)
    for owner in ("first", "second", "third"):
        runner.open(source(owner=owner)).result(SECONDS)
    assert [runner.loaded(source(owner=owner)) for owner in ("first", "second", "third")] == [False, True, True]
    runner.close()


def test_a_model_waits_while_others_are_busy(source, explain):
    runner = fake_runner(most_processes=1)
    busy = explain(runner, source(owner="first"), steps=10_000, pause=0.01)
    until(lambda: busy.state.status is Status.RUNNING)
    waits = runner.open(source(owner="second"))
    assert waits.wait(1).status is Status.WAITING
    busy.cancel()
    assert waits.result(SECONDS).classes == 3
    runner.close()


def test_closing_leaves_no_process_and_no_folder(source, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    runner = fake_runner()
    process = process_of(runner.open(source()).result(SECONDS))
    assert list(tmp_path.glob("vitrine-*/worker-*"))
    runner.close()
    assert not list(tmp_path.glob("vitrine-*/worker-*"))
    assert not os.path.exists(f"/proc/{process}")


def test_without_a_sandbox_formats_that_may_run_code_are_refused(runner, source, monkeypatch):
    monkeypatch.setattr(model_process, "sandbox_in_force", lambda: SandboxState(0, True))
    with pytest.raises(errors.RefusedModel, match="offers no sandbox"):
        runner.open(source("script")).result(SECONDS)
    assert runner.open(source(owner="onnx")).result(SECONDS)


def test_the_lack_of_a_sandbox_can_be_overridden_knowingly(source, monkeypatch):
    monkeypatch.setattr(model_process, "sandbox_in_force", lambda: SandboxState(0, True))
    monkeypatch.setenv("VITRINE_ALLOW_NO_SANDBOX", "1")
    runner = fake_runner()
    assert runner.open(source("script")).result(SECONDS)
    runner.close()


def test_the_runner_knows_the_state_of_the_sandbox():
    assert isinstance(local.sandbox_in_force(), SandboxState)


def test_a_layer_is_looked_at_for_many_pictures(runner, source):
    images = np.random.default_rng(0).random((19, SIZE.height, SIZE.width, 3), np.float32)
    targets = np.arange(19) % 3
    values, gradients = runner.ask(source("layered"), PoolLayer(SIZE, images, targets, "halves")).result(SECONDS)
    halves = images[:, :, :2].mean(axis=(1, 2)) + images[:, :, 2:].mean(axis=(1, 2))
    np.testing.assert_allclose(values, halves / 2, atol=1e-6)
    np.testing.assert_array_equal(gradients, np.eye(3, dtype=np.float32)[targets] / 2)


def test_an_unknown_layer_is_an_error(runner, source):
    images, targets = np.zeros((1, SIZE.height, SIZE.width, 3), np.float32), np.zeros(1, np.int64)
    with pytest.raises(errors.ParamError, match="no layer named 'other'"):
        runner.ask(source("layered"), PoolLayer(SIZE, images, targets, "other")).result(SECONDS)
    with pytest.raises(errors.MissingCapability, match="needs layer activations"):
        runner.ask(source(), PoolLayer(SIZE, images, targets, "halves")).result(SECONDS)
