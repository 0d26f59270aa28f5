"""A host can hide methods by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHOW = "from xai_core import methods; from xai_core.guide import ADVICE, catalogue; {}"


def printed(code: str, hidden: str) -> str:
    command = [sys.executable, "-c", SHOW.format(code)]
    environment = {"VITRINE_HIDE_METHODS": hidden, "PYTHONPATH": ":".join(filter(None, sys.path))}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(("hidden", "left"), [("", "True True"), ("lrp", "False True"), ("lrp, rise", "False False")])
def test_a_hidden_method_is_in_no_catalogue(hidden: str, left: str) -> None:
    assert printed("print('lrp' in catalogue(), 'rise' in catalogue())", hidden) == left


def test_no_advice_names_a_hidden_method() -> None:
    advised = "print({id for advice in ADVICE for id, _ in advice.methods} & {'rise', 'occlusion'})"
    assert printed(advised, "rise,occlusion") == "set()"
    assert "rise" in printed(advised, "")


def test_a_name_that_is_no_method_is_reported() -> None:
    check = (
        "from xai_core.hidden_methods import check_hidden_methods; from xai_core.errors import ParamError\n"
        "try: check_hidden_methods()\nexcept ParamError as error: print(error)"
    )
    assert printed("\n" + check, "lpr").startswith("VITRINE_HIDE_METHODS names 'lpr', which is not a method.")
    assert printed("\n" + check, "lrp") == ""
