"""Engines: which one answers, how it is compared, and what happens where it can not be used."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from model_adapters.engines import choice, openvino
from model_adapters.engines import trials as trials_of
from model_adapters.engines.choice import TOO_LARGE, UNREADABLE, WithEngines
from model_adapters.engines.openvino import Portable
from model_adapters.engines.trials import (
    BATCH,
    LEAST_AGREEMENT,
    TOLERANCE,
    Candidate,
    Trial,
    as_engines,
    chosen,
    tried,
    varied,
)
from xai_core.errors import OutOfMemory
from xai_core.network import Network
from xai_core.types import Capability, Card, InputSpec

SIDE, CLASSES = 24, 5
SPEC = InputSpec(None, None)
INPUTS = np.random.default_rng(1).standard_normal((7, SIDE, SIDE, 3), np.float32)


def small(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    layers = [torch.nn.Conv2d(3, 8, 3, 2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(32, CLASSES)).eval().requires_grad_(False)


SECONDS_OF_AN_ANSWER = trials_of._seconds  # before it is replaced
SECONDS = {  # that an engine is said to take, as a busy machine would time them by chance
    ("PyTorch", "float32"): 0.004,
    ("OpenVINO", "float32"): 0.003,
    ("OpenVINO", "bfloat16"): 0.002,
    ("PyTorch", "bfloat16"): 0.001,
}


def paced(candidate, batch):
    candidate.answer(batch)
    return len(batch) * SECONDS.get((candidate.name, candidate.precision), 0.001)


@pytest.fixture(scope="module", autouse=True)
def paces():
    """Replace the clock of the trials."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials_of, "_seconds", paced)
        yield


class SlowNetwork(Network):
    """A module that is said to be slower than any engine; `ported` is what the engines are given."""

    def __init__(self, module, ported=None, spec=SPEC):
        self.card = Card("pytorch", "a test", CLASSES, spec, Capability.PREDICT)
        self.module, self.ported, self.asked = module, ported or module, 0

    def forward(self, inputs):
        self.asked += 1
        return self.module(torch.from_numpy(inputs).permute(0, 3, 1, 2)).numpy()

    def backward(self, inputs, targets, score, rule="gradient", references=None):
        return 7 * inputs

    def randomised(self, seed):
        return SlowNetwork(small(seed))

    def portable(self, height, width):
        return Portable(self.ported, torch.zeros(2, 3, height, width))


class BrokenNetwork(SlowNetwork):
    def forward(self, inputs):
        return np.full((len(inputs), CLASSES), np.nan, np.float32)


@pytest.fixture(scope="module")
def network() -> WithEngines:
    found = WithEngines(SlowNetwork(small()))
    found.engines(SIDE, SIDE)
    return found


def engine(network, name, precision, size=(SIDE, SIDE)):
    (found,) = [one for one in network.engines(*size) if (one.name, one.precision) == (name, precision)]
    return found


def test_the_native_engine_comes_first_and_steps_back(network):
    first = network.engines(SIDE, SIDE)[0]
    assert (first.name, first.precision, first.max_difference, first.top1_agreement) == ("PyTorch", "float32", 0, 1)
    assert not first.used
    assert first.reason


def test_a_faster_engine_that_agrees_is_used(network):
    found = engine(network, "OpenVINO", "float32")
    assert found.used
    assert found.max_difference < TOLERANCE
    assert (found.top1_agreement, found.reason) == (1, "")
    assert 0 < found.milliseconds < network.engines(SIDE, SIDE)[0].milliseconds


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_engine_gives_the_native_answers_at_any_batch_size(network, count):
    before = network.native.asked
    found = network.forward(INPUTS[:count])
    assert network.native.asked == before
    np.testing.assert_allclose(found, network.native.forward(INPUTS[:count]), rtol=1e-4, atol=1e-5)


def test_answers_last_longer_than_the_next_call(network):
    first = network.forward(INPUTS[:2])
    kept = first.copy()
    network.forward(INPUTS[2:4])
    np.testing.assert_array_equal(first, kept)


def test_engines_are_tried_once(network):
    assert network.engines(SIDE, SIDE) is network.engines(SIDE, SIDE)


def test_before_anyone_asks_for_engines_the_native_one_answers():
    network = WithEngines(SlowNetwork(small()))
    network.forward(INPUTS)
    assert network.native.asked == 1


def test_another_input_size_is_answered_natively(network):
    before = network.native.asked
    network.forward(INPUTS[:, :16])
    assert network.native.asked == before + 1


def test_a_new_input_size_is_tried_anew():
    network = WithEngines(SlowNetwork(small()))
    network.engines(SIDE, SIDE)
    assert engine(network, "OpenVINO", "float32", (16, SIDE)).used
    network.native.asked = 0
    network.forward(INPUTS[:, :16])
    assert network.native.asked == 0


def test_an_engine_with_other_answers_is_rejected():
    network = WithEngines(SlowNetwork(small(), ported=small(seed=1)))
    found = engine(network, "OpenVINO", "float32")
    assert not found.used
    assert "differ" in found.reason
    np.testing.assert_array_equal(network.forward(INPUTS), network.native.forward(INPUTS))


def test_a_model_that_does_not_convert_runs_natively(capfd):
    network = WithEngines(SlowNetwork(small(), ported="no model at all"))
    native, found = network.engines(SIDE, SIDE)
    assert native.used
    assert (found.used, found.reason) == (False, UNREADABLE)
    np.testing.assert_array_equal(network.forward(INPUTS), network.native.forward(INPUTS))


def test_a_model_too_large_for_the_memory_is_not_converted(monkeypatch, capfd):
    monkeypatch.setattr(choice, "room_for", lambda weights: weights < 100)
    network = WithEngines(SlowNetwork(small()), weights=100)
    assert engine(network, "OpenVINO", "float32").reason == TOO_LARGE
    assert network.engines(SIDE, SIDE)[0].used


def test_an_engine_that_runs_out_of_memory_makes_way_for_the_native_one(monkeypatch):
    def out_of_memory(compiled, inputs):
        raise OutOfMemory("Too many pictures.")

    network = WithEngines(SlowNetwork(small()))
    network.engines(SIDE, SIDE)
    monkeypatch.setattr(openvino.Compiled, "__call__", out_of_memory)
    for one in (network, network.at("bfloat16")):
        np.testing.assert_array_equal(one.forward(INPUTS), network.native.forward(INPUTS))
    assert network.engines(SIDE, SIDE)[0].used
    assert engine(network, "OpenVINO", "float32").reason == "OpenVINO ran out of memory."


class RoomlessNetwork(SlowNetwork):
    """Has memory for one picture at a time."""

    def forward(self, inputs):
        if len(inputs) > 1:
            raise OutOfMemory("Too many pictures.")
        return super().forward(inputs)


def test_without_the_memory_for_trials_the_native_engine_goes_on(capfd):
    network = WithEngines(RoomlessNetwork(small()))
    native, *others = network.engines(SIDE, SIDE)
    assert native.used
    assert {one.reason for one in others if one.precision == "float32"} == {"There is not enough memory to try it."}
    np.testing.assert_array_equal(network.forward(INPUTS[:1]), network.native.forward(INPUTS[:1]))


class FastInBfloat16(SlowNetwork):
    """Knows bfloat16, in which nothing is faster."""

    def at(self, precision):
        made = FastInBfloat16(self.module)
        made.forward = lambda inputs: self.module(torch.from_numpy(inputs).permute(0, 3, 1, 2)).numpy()
        return made


def test_only_the_engine_that_ran_out_of_memory_is_dropped(monkeypatch):
    def out_of_memory(compiled, inputs):
        raise OutOfMemory("Too many pictures.")

    network = WithEngines(FastInBfloat16(small()))
    network.engines(SIDE, SIDE)
    monkeypatch.setattr(openvino.Compiled, "__call__", out_of_memory)
    network.forward(INPUTS)
    exact, rough, *others = network.engines(SIDE, SIDE)
    assert (rough.precision, rough.used, rough.reason) == ("bfloat16", True, "")
    assert (exact.precision, exact.used, exact.reason) == ("float32", True, "")
    assert {one.name for one in others} == {"OpenVINO"}
    asked = network.native.asked
    network.at("bfloat16").forward(INPUTS)
    assert network.native.asked == asked


def test_sizes_are_tried_once_and_the_last_three_are_remembered():
    network = WithEngines(SlowNetwork(small()))
    first = network.engines(SIDE, SIDE)
    second = network.engines(16, SIDE)
    assert (network.engines(SIDE, SIDE), network.engines(16, SIDE)) == (first, second)
    network.native.asked = 0
    network.forward(INPUTS)
    network.forward(INPUTS[:, :16])
    assert network.native.asked == 0
    network.engines(SIDE, 16)
    network.engines(16, 16)
    network.native.asked = 0
    network.forward(INPUTS[:, :16])
    assert network.native.asked == 0
    network.forward(INPUTS)
    assert network.native.asked == 1


def test_a_model_whose_answers_are_no_numbers_runs_natively():
    network = WithEngines(BrokenNetwork(small()))
    assert not engine(network, "OpenVINO", "float32").used
    assert np.isnan(network.forward(INPUTS)).all()


def test_a_fixed_batch_is_kept():
    network = WithEngines(SlowNetwork(small(), spec=InputSpec(None, None, batch=2)))
    assert network.engines(SIDE, SIDE)[0].name == "PyTorch"
    np.testing.assert_allclose(network.forward(INPUTS), network.native.forward(INPUTS), rtol=1e-4, atol=1e-5)


def test_bfloat16_is_close_and_known_by_another_key(network):
    rough = network.at("bfloat16")
    assert (network.key, rough.key) == ("", "bfloat16")
    assert rough.at("float32").key == network.key
    expected = network.forward(INPUTS)
    np.testing.assert_allclose(rough.forward(INPUTS), expected, atol=0.02 * np.abs(expected).max())


def test_bfloat16_before_engines_are_asked_for_is_the_native_answer():
    network = WithEngines(SlowNetwork(small()))
    np.testing.assert_array_equal(network.at("bfloat16").forward(INPUTS), network.native.forward(INPUTS))


def test_everything_else_is_asked_of_the_native_network(network):
    for one in (network, network.at("bfloat16")):
        np.testing.assert_array_equal(one.backward(INPUTS, np.zeros(7, np.int64), "logit"), 7 * INPUTS)
        with pytest.raises(TypeError, match="no attention"):
            one.attentions(INPUTS, np.zeros(7, np.int64), "logit")


def test_a_randomised_network_answers_for_itself(network):
    other = network.randomised(3)
    np.testing.assert_array_equal(other.forward(INPUTS), SlowNetwork(small(3)).forward(INPUTS))


def trial(name, precision, milliseconds, difference=0.0, agreement=1.0, fault=""):
    return Trial(Candidate(name, precision, lambda inputs: inputs), difference, agreement, milliseconds, fault)


NATIVE = trial("native", "float32", 10)


def test_the_fastest_that_agrees_is_chosen():
    trials = [NATIVE, trial("slow", "float32", 12), trial("fast", "float32", 5), trial("wrong", "float32", 1, 0.5)]
    assert chosen(trials)["float32"].candidate.name == "fast"


@pytest.mark.parametrize("change", [{"difference": 2 * TOLERANCE}, {"agreement": 0.9}, {"fault": "It stopped."}])
def test_a_float32_engine_must_agree_everywhere(change):
    assert chosen([NATIVE, trial("other", "float32", 1, **change)])["float32"] is NATIVE


def test_bfloat16_need_not_agree_everywhere_but_mostly():
    trials = [NATIVE, trial("rough", "bfloat16", 4, 0.2, LEAST_AGREEMENT), trial("wild", "bfloat16", 2, 0.2, 0.4)]
    assert chosen(trials)["bfloat16"].candidate.name == "rough"
    assert "a different class" in as_engines(trials, chosen(trials))[2].reason


def test_bfloat16_that_is_slower_than_float32_is_not_used():
    assert "bfloat16" not in chosen([NATIVE, trial("rough", "bfloat16", 11)])


def test_every_engine_that_is_not_used_says_why():
    trials = [NATIVE, trial("fast", "float32", 5), trial("stopped", "float32", 0, fault="It stopped.")]
    assert [one.reason for one in as_engines(trials, chosen(trials))] == ["It is slower.", "", "It stopped."]


def test_an_engine_that_raises_is_told_of(capfd):
    def stop(inputs):
        raise RuntimeError("no such layer")

    native = Candidate("native", "float32", lambda inputs: inputs.mean(axis=(1, 2)))
    _, found = tried(native, [Candidate("other", "float32", stop)], InputSpec(SIDE, SIDE))
    assert found.fault == "It stopped with an error."


def stopping_at(most, kind):
    """Return an engine's answers, which stop with an error on more than `most` pictures."""

    def answer(inputs):
        if len(inputs) > most:
            raise kind("Too many pictures.")
        return inputs.mean(axis=(1, 2))

    return answer


@pytest.mark.parametrize("kind", [RuntimeError, OutOfMemory])
def test_an_engine_that_raises_while_it_is_timed_is_told_of(kind, capfd):
    native = Candidate("native", "float32", lambda inputs: inputs.mean(axis=(1, 2)))
    first, found = tried(native, [Candidate("other", "float32", stopping_at(4, kind))], InputSpec(SIDE, SIDE))
    assert first.milliseconds > 0
    assert found.fault == "It stopped with an error."


@pytest.mark.parametrize("kind", [MemoryError, OutOfMemory])
def test_a_batch_that_the_native_engine_has_no_memory_for_is_made_smaller(kind):
    candidates = [Candidate(name, "float32", stopping_at(4, kind)) for name in ("native", "other")]
    trials = tried(candidates[0], candidates[1:], InputSpec(SIDE, SIDE))
    assert all(trial.milliseconds > 0 and not trial.fault for trial in trials)


def test_the_clock_runs_while_an_engine_answers():
    assert SECONDS_OF_AN_ANSWER(Candidate("slow", "float32", lambda inputs: time.sleep(0.02)), INPUTS) >= 0.02


def test_a_slow_model_is_shown_few_pictures(monkeypatch):
    shown = []

    def answer(inputs):
        shown.append(len(inputs))
        return inputs.mean(axis=(1, 2))

    monkeypatch.setattr(trials_of, "_seconds", lambda candidate, batch: (candidate.answer(batch), 0.1 * len(batch))[1])

    tried(Candidate("native", "float32", answer), [], InputSpec(8, 8))
    assert sum(shown) < 40
    assert max(shown) < BATCH


ALONE = """
import sys, torch
from model_adapters.engines.openvino import Compiled, Portable, convert
from xai_core.types import InputSpec
ported = Portable(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 8), torch.nn.Flatten()), torch.zeros(2, 3, 8, 8))
print(Compiled(convert(ported, InputSpec(8, 8), 8, 8), "float32", ported)(torch.zeros(5, 8, 8, 3).numpy()).shape)
print([name for name in sys.modules if name.startswith("openvino_telemetry")])
"""


@pytest.mark.long
def test_nothing_is_written_and_nothing_is_told_to_anyone(tmp_path):
    """OpenVINO's own telemetry would leave a file in the home folder and call home."""
    folders = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path))
    ran = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", ALONE],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, **folders, "PYTHONPATH": str(Path(choice.__file__).parents[2])},
    )
    assert ran.stdout.splitlines() == ["(5, 4)", "[]"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("gives", ["logit", "probability"])
def test_of_a_single_class_yes_and_no_are_compared(gives):
    def scores(inputs, sign):
        logit = sign * inputs.mean(axis=(1, 2, 3))[:, None]
        return logit if gives == "logit" else 1 / (1 + np.exp(-logit))

    candidates = [
        Candidate("native", "float32", lambda inputs: scores(inputs, 1)),
        Candidate("turned", "bfloat16", lambda inputs: scores(inputs, -1)),
        Candidate("rough", "bfloat16", lambda inputs: scores(inputs, 1.01)),
    ]
    _, turned, rough = tried(candidates[0], candidates[1:], InputSpec(SIDE, SIDE))
    assert turned.objection
    assert rough.top1_agreement == 1


def test_first_classes_are_compared_on_the_persons_own_pictures():
    own = np.arange(2 * 4 * 6 * 3, dtype=np.float32).reshape(2, 4, 6, 3)
    whole, mirrored, left, right = varied(own)
    np.testing.assert_array_equal(whole, own)
    np.testing.assert_array_equal(mirrored, own[:, :, ::-1])
    np.testing.assert_array_equal(left[:, :, 3:], own[:, :, 3:])
    np.testing.assert_array_equal(right[:, :, :3], own[:, :, :3])
    assert np.unique(left[:, :, :3]) == np.unique(right[:, :, 3:]) == own.mean()


def test_an_engine_that_errs_on_noise_alone_agrees_on_own_pictures():
    def answer(inputs):
        return np.stack([inputs.mean(axis=(1, 2, 3)), -inputs.min(axis=(1, 2, 3))], axis=1)

    def wrong_on_noise(inputs):
        return answer(inputs)[:, ::-1] if inputs.min() < 0 else answer(inputs)

    spec = InputSpec(8, 8)
    candidates = Candidate("native", "float32", answer), Candidate("odd", "bfloat16", wrong_on_noise)
    own = np.random.default_rng(0).random((3, 8, 8, 3), dtype=np.float32)
    _, without = tried(candidates[0], [candidates[1]], spec)
    _, found = tried(candidates[0], [candidates[1]], spec, own)
    assert without.top1_agreement < 1 == found.top1_agreement
