"""Every harmful or broken PyTorch file is answered with its sentence, and none of them gets to run anything."""

from __future__ import annotations

import glob
from pathlib import Path

import pytest

from model_adapters import inspect, load
from xai_core.errors import VitrineError
from xai_core.types import ModelSource

MARKERS = "/tmp/vitrine-marker-*"
PT2 = "PyTorch .pt2 files can run code when opened. Export TorchScript, ONNX or a state dict."
UNKNOWN = "These weights match no network of torchvision or timm"
OPENS = "benign_resnet18_full.pt"
SENTENCES = {
    "raw_pickle.pt": "needs to run: posix.system. Save a state dict, TorchScript, ONNX or safetensors instead.",
    "torchzip_evil.pt": "needs to run: posix.system.",
    "torchlegacy_evil.pt": "needs to run: posix.system.",
    "gadget_collect_env.pt": "needs to run: torch.utils.collect_env.run.",
    "gadget_timeit.pt": "needs to run: time.perf_counter, timeit.timeit.",
    "gadget_np_runstring.pt": "needs to run: numpy.testing._private.utils.runstring.",
    "gadget_cprofile.pt": "needs to run: cProfile.run.",
    "benign_full_module.pt": "This file is a whole module (torch.nn.modules.container.Sequential).",
    "ckpt_with_namespace.pt": UNKNOWN,
    "benign_state_dict.pt": UNKNOWN,
    "benign_checkpoint.pt": UNKNOWN,
    "shape_bomb_expand.pt": "Tensor fc.weight claims 160 GB but stores 4 bytes.",
    "zip_bomb.pt": "The archive would unpack to 1024 MB from 10",
    "empty.pt": "The file is empty.",
    "truncated.pt": "The file is damaged or cut short (its table of contents is missing). Get a fresh copy.",
    "html_as.pt": "This is a web page, not a model. Download the file itself and try again.",
    "ts_forward_save.pt": "The model holds an operation on files (torch.save).",
    "ts_read_passwd.pt": "The model holds an operation on files (torch.from_file).",
    "benign.pt2": PT2,
    "evil_sympy.pt2": PT2,
    "evil_sample.pt2": PT2,
    "evil_target.pt2": PT2,
    "evil_fromfile.pt2": PT2,
}


@pytest.fixture(scope="module")
def folder(bad_torch_files):
    return bad_torch_files


@pytest.mark.parametrize("name", SENTENCES)
def test_a_bad_file_gets_its_sentence_and_runs_nothing(name, folder, tmp_path):
    before = glob.glob(MARKERS)
    source = ModelSource(str(folder / name), name, "digest")
    with pytest.raises(VitrineError) as caught:
        load(source, inspect(source), str(tmp_path))
    assert SENTENCES[name] in str(caught.value)
    assert str(folder) not in str(caught.value)
    assert glob.glob(MARKERS) == before


def test_a_whole_module_of_torchvision_opens_from_its_data(folder, tmp_path):
    source = ModelSource(str(folder / OPENS), OPENS, "digest")
    card = load(source, inspect(source), str(tmp_path)).card
    assert (card.architecture, card.classes) == ("torchvision/resnet18", 1000)
    assert "none of their code ran" in card.notes[0]


def test_the_rest_is_torchscript_which_only_a_sandbox_may_open(folder):
    rest = sorted(path for path in Path(folder).iterdir() if path.name not in {*SENTENCES, OPENS})
    kinds = {path.name: inspect(ModelSource(str(path), path.name, "digest")).format for path in rest}
    assert set(kinds.values()) == {"torchscript"}
    assert all(name.startswith("ts_") for name in kinds)
