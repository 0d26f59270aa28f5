"""Weights with the code that defines their network, in the library."""

from __future__ import annotations

import json

import pytest
import torch

import vitrine
from tests.own_code import CODE, checkpoint_of, net_of
from xai_core.errors import ChooseEntry, ModelError, ParamError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a checkpoint and the code of its network."""
    folder = tmp_path_factory.mktemp("own")
    torch.manual_seed(0)
    torch.save(checkpoint_of(net_of()(num_classes=5, width=12)), folder / "weights.pt")
    (folder / "model.py").write_text(CODE)
    return folder


def test_weights_open_with_their_code_and_reports_name_it(files, tmp_path, picture_file):
    with vitrine.load(files / "weights.pt", code=files / "model.py", preprocessing="0..1") as model:
        assert model.card.architecture == "Net(num_classes=5, width=12)"
        assert "have their defaults: in_channels=3, deep=False." in model.card.notes[-1]
        assert model.card.settings == {"width": "12", "lr": "0.1"}
        assert model.predict(picture_file).top(1).rows[0]["label"] in "abcde"
        model.explain("grad_cam", picture_file).save(tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["model"]["code"] == "model.py"
    assert len(manifest["digests"]["code"]) == 64


@pytest.mark.long
def test_what_the_weights_do_not_show_is_asked_for(files, tmp_path):
    (tmp_path / "code").mkdir()
    text = CODE.replace("num_classes=10, in_channels=3, width=8", "width, num_classes=10, in_channels=3")
    (tmp_path / "code/model.py").write_text(text)
    content = checkpoint_of(net_of()(num_classes=5, width=12)) | {"hyper_parameters": {}}
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(ChooseEntry, match="3 classes and functions that build a network") as asked:
        vitrine.load(tmp_path / "weights.pt", code=tmp_path / "code")
    assert asked.value.entries[0].in_words == "Net(width=?, num_classes=5, in_channels=3, deep=False) in model.py"
    arguments = {"num_classes": 5, "width": 12}
    with vitrine.load(tmp_path / "weights.pt", code=tmp_path / "code", class_name="Net", arguments=arguments) as model:
        assert model.card.classes == 5


def test_a_class_without_code_and_code_that_is_not_there_are_refused(files):
    with pytest.raises(ParamError, match=r"need code\. Pass it too, such as code="):
        vitrine.load(files / "weights.pt", class_name="Net")
    with pytest.raises(ModelError, match=r"The code none\.py does not exist"):
        vitrine.load(files / "weights.pt", code=files / "none.py")


@pytest.mark.long
def test_code_can_be_forbidden_on_ones_own_machine_too(files, monkeypatch):
    monkeypatch.setenv("VITRINE_ALLOW_CODE", "0")
    vitrine.loading.shared_runners.cache_clear()
    with pytest.raises(ModelError, match="VITRINE_ALLOW_CODE=1"):
        vitrine.load(files / "weights.pt", code=files / "model.py")
    vitrine.loading.shared_runners.cache_clear()
