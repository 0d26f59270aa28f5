"""Questions that sharpen take turns; the others are answered as they come."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from xai_core.jobs.process import FRAMES_A_SECOND
from xai_core.jobs.question import Doing, Question
from xai_core.jobs.turns import REMEMBERED, Turns


class Count(Question):
    """Yields the given steps and then ends."""

    sharpens = True

    def __init__(self, *steps):
        self.steps = steps

    def to_frame(self):
        return {}, []

    @classmethod
    def from_frame(cls, header, arrays):
        return cls()

    def answers(self, opened):
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step

    def answer_to_frame(self, answer):
        return {"count": answer}, [np.full(1, answer)]

    def answer_from_frame(self, values, arrays, card):
        return values["count"]

    def largest_answer(self, card):
        return 8


class AtOnce(Count):
    """The same, answered in one go."""

    sharpens = False


@pytest.fixture
def said():
    return []


@pytest.fixture
def turns(said):
    def failed(job, error):
        said.append((job, "failed", str(error)))

    return Turns(lambda header, arrays: said.append((header["job"], header["say"], header.get("value"))), failed)


def take_all(turns):
    while turns:
        turns.take()


def test_two_questions_take_turns_and_the_last_answer_of_each_counts(turns, said):
    for job in (1, 2):
        turns.begin(job, Count(10 * job, 10 * job + 1), None)
    take_all(turns)
    assert [job for job, say, _ in said if say == "preview"] == [1, 2]
    assert [(job, value) for job, say, value in said if say == "done"] == [(1, {"count": 11}), (2, {"count": 21})]


def test_askers_take_turns_however_many_questions_each_has(turns, said):
    for job, asker in ((1, "a"), (2, "a"), (3, "a"), (4, "b")):
        turns.begin(job, Count(*range(4)), None, asker)
    steps = []
    while turns:
        steps.append(next(iter(turns._waiting)))
        turns.take()
    assert "".join(steps[:8]) == "abababab"
    assert [job for job, say, _ in said if say == "done"] == [4, 1, 2, 3]


def test_previews_of_many_fast_questions_are_no_flood(turns, said, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(clock) / 1000)  # a step takes a millisecond or two
    for job in range(30):
        turns.begin(job, Count(*range(200)), None)
    take_all(turns)
    previews = [job for job, say, _ in said if say == "preview"]
    assert 30 < len(previews) < 30 + FRAMES_A_SECOND * next(clock) / 1000 / 2


def test_a_question_that_does_not_sharpen_is_answered_before_the_next_turn_without_previews(turns, said):
    turns.begin(1, Count(1, 2), None)
    turns.begin(2, AtOnce(5), None)
    assert said == [(1, "started", None), (2, "started", None), (2, "done", {"count": 5})]


def test_an_activity_is_announced_between_answers(turns, said):
    turns.begin(1, Count(Doing("engines"), Doing(""), 1), None)
    take_all(turns)
    assert [value for _, say, value in said if say == "doing"] == ["engines", ""]


def test_a_cancelled_question_takes_no_further_step(turns, said):
    turns.begin(1, Count(1, AssertionError("This step is never taken.")), None)
    turns.take()
    turns.cancel(1)
    take_all(turns)
    assert said[-1][:2] == (1, "cancelled")


def test_a_question_that_was_cancelled_before_it_came_never_starts(turns, said):
    turns.cancel(1)
    turns.begin(1, Count(1), None)
    assert said == [(1, "cancelled", None)]
    assert not turns


def test_a_cancellation_that_came_too_late_is_forgotten_but_not_that_of_an_old_question(turns, said):
    turns.begin(1, Count(1, 2, 3), None)
    turns.begin(2, AtOnce(1), None)
    turns.cancel(1)
    turns.cancel(2)
    turns.begin(2 + REMEMBERED, AtOnce(1), None)
    assert turns._cancelled == {1}
    take_all(turns)
    assert said[-1] == (1, "cancelled", {})
    assert turns._cancelled == set()


def test_an_error_ends_its_own_question_only(turns, said):
    turns.begin(1, Count(ValueError("broken")), None)
    turns.begin(2, Count(2), None)
    take_all(turns)
    assert (1, "failed", "broken") in said
    assert (2, "done", {"count": 2}) in said


def test_a_question_without_an_answer_fails(turns, said):
    turns.begin(1, Count(), None)
    take_all(turns)
    assert said[-1] == (1, "failed", "The model gave no answer.")
