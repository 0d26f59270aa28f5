"""A command that fails ends with a sentence and an exit code; of a fault in the program, the log has the traceback."""

from __future__ import annotations

import re

import pytest

from vitrine.cli import methods
from xai_core.errors import DataError, ImageError, OutOfMemory, ParamError, RefusedModel, TimedOut, WorkerDied


@pytest.fixture
def broken(monkeypatch):
    """The command `methods`, with a fault in the program."""

    def run(args, runners):
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(methods, "run", run)


def test_the_sentence_says_how_to_get_a_log(vitrine, broken):
    shown = vitrine("methods").sentence_of(1)
    assert "Vitrine failed (ZeroDivisionError)." in shown
    assert shown.endswith("Run it again with --log FILE.")
    assert "secret" not in shown


def test_the_log_has_the_traceback_under_the_reference(vitrine, broken, tmp_path):
    shown = vitrine("--log", tmp_path / "log", "methods").sentence_of(1)
    match = re.search("under the reference ([0-9a-f]{8})", shown)
    log = (tmp_path / "log").read_text()
    assert match
    assert match[1] in log
    assert "ZeroDivisionError: secret words" in log


def test_the_help_lists_the_exit_codes(vitrine, capfd):
    with pytest.raises(SystemExit):
        vitrine("--help")
    told = " ".join(capfd.readouterr().out.split())
    assert "Exit codes: 0 done, 1 Vitrine failed, 2 wrong arguments, pictures or data, 3 the model cannot be" in told
    assert told.endswith("130 interrupted.")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ParamError, 2),
        (ImageError, 2),
        (DataError, 2),
        (RefusedModel, 3),
        (WorkerDied, 3),
        (TimedOut, 4),
        (OutOfMemory, 4),
        (ZeroDivisionError, 1),
        (KeyboardInterrupt, 130),
    ],
)
def test_the_exit_code_says_what_kind_of_failure_it_was(vitrine, monkeypatch, error, code):
    def run(args, runners):
        raise error("It failed.")

    monkeypatch.setattr(methods, "run", run)
    assert vitrine("methods").status == code
