from __future__ import annotations

import pytest

import xai_core.detection.methods
import xai_core.filters
import xai_core.methods  # noqa: F401
from vitrine.cli.flags import flag, flag_values, in_words
from vitrine.cli.main import parser
from xai_core.errors import ParamError
from xai_core.filter import FILTERS
from xai_core.guide import catalogue
from xai_core.pictures.overlays import Look

ASKED = ("model.onnx", "cat.png", "--out", "there")


def parsed(method: str, *words: str):
    return parser().parse_args(["explain", method, *ASKED, *words])


@pytest.mark.parametrize("method", sorted(catalogue()))
def test_each_parameter_of_a_method_is_a_flag_that_takes_its_default(method):
    words = []
    for param in catalogue()[method].params:
        if param.kind is bool:
            words.append(flag(param) if param.default else flag(param).replace("--", "--no-", 1))
        else:
            words += [flag(param), param.text(param.default)]
    defaults = {param.name: param.default for param in catalogue()[method].params}
    assert flag_values(parsed(method, *words), catalogue()[method]) == defaults


@pytest.mark.parametrize("method", sorted(catalogue()))
def test_what_was_not_given_is_left_to_the_declaration(method):
    args = parsed(method)
    assert [flag_values(args, declared) for declared in (catalogue()[method], *FILTERS.values(), Look)] == [{}] * (
        2 + len(FILTERS)
    )


def test_a_switch_has_an_on_and_an_off():
    filter_ = FILTERS["forgrad"]
    assert flag_values(parsed("rise", "--signed"), filter_) == {"signed": True}
    assert flag_values(parsed("rise", "--no-signed"), filter_) == {"signed": False}


def test_a_text_of_the_wrong_kind_is_told_in_a_sentence():
    with pytest.raises(ParamError, match=r"Samples must be a whole number; got '1\.5'"):
        flag_values(parsed("rise", "--samples", "1.5"), catalogue()["rise"])


def test_names_of_layers_are_parted_by_commas():
    method = catalogue()["grad_cam"]
    found = flag_values(parsed("grad_cam", "--layers", "features.17, features.18"), method)
    assert found == {"layers": ("features.17", "features.18")}


def test_help_holds_each_declared_sentence(capsys):
    with pytest.raises(SystemExit) as end:
        parsed("rise", "--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 0
    assert all(param.help in shown and in_words(param) in shown for param in catalogue()["rise"].params)


def test_a_flag_is_not_guessed_from_its_beginning():
    with pytest.raises(ParamError, match="--samp"):
        parsed("rise", "--samp", "200")
