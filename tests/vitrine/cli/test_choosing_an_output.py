"""A classifier with several outputs, on the command line."""

from __future__ import annotations

import pytest

from tests.two_outputs import saved


@pytest.mark.long
def test_the_outputs_are_listed_and_the_command_is_repeated_with_one(vitrine, tmp_path, picture):
    path = saved(tmp_path)
    asked = vitrine("predict", path, picture)
    assert asked.status == 3
    sentence, *lines = asked.err.splitlines()
    assert sentence.endswith(
        "'logits' is the most likely: its name is usual for class scores. Repeat the command with --output NAME."
    )
    assert [line.split(" (")[0] for line in lines] == ["  features", "  logits", "  picture"]
    assert "class 1" in lines[1]
    answered = vitrine("predict", path, picture, "--output", "logits")
    assert answered.status == 0
    assert "class 3" in answered.out
