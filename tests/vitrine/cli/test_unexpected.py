"""An error that no message foresees ends the command with a sentence; the log has its traceback."""

from __future__ import annotations

import re

import pytest

from vitrine.cli import methods


@pytest.fixture
def broken(monkeypatch):
    """The command `methods`, with a fault in the program."""

    def run(args, runners):
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(methods, "run", run)


def test_the_sentence_says_how_to_get_a_log(vitrine, broken):
    shown = vitrine("methods").sentence
    assert "Vitrine failed (ZeroDivisionError)." in shown
    assert shown.endswith("Run it again with --log FILE.")
    assert "secret" not in shown


def test_the_log_has_the_traceback_under_the_reference(vitrine, broken, tmp_path):
    shown = vitrine("--log", tmp_path / "log", "methods").sentence
    match = re.search("under the reference ([0-9a-f]{8})", shown)
    log = (tmp_path / "log").read_text()
    assert match
    assert match[1] in log
    assert "ZeroDivisionError: secret words" in log
