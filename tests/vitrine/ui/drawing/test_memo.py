"""A value is worked out once, and the least recently used one goes first."""

from __future__ import annotations

from vitrine.ui.drawing.memo import Memo


def test_a_value_is_worked_out_once() -> None:
    memo, calls = Memo(), []
    for _ in range(3):
        assert memo.once("key", lambda: calls.append(1) or 7) == 7
    assert calls == [1]


def test_beyond_the_limit_the_least_recently_used_value_is_dropped() -> None:
    dropped: list[int] = []
    memo = Memo(2, dropped.append)
    for key in (1, 2, 1, 3):
        memo.once(key, lambda key=key: key)
    assert (list(memo), dropped) == ([1, 3], [2])


def test_without_a_limit_all_are_kept() -> None:
    memo = Memo()
    for key in range(100):
        memo.once(key, lambda: None)
    assert len(memo) == 100
