"""Every harmful or broken model file ends the command with its sentence, in the sandbox, and leaves nothing behind."""

from __future__ import annotations

import glob
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MARKERS = "/tmp/vitrine-marker-*"
AT_ONCE = 3  # some only wait for their deadline
SHORT, LONG = "3", "300"  # seconds
LAMBDA = "is a Lambda layer, which holds Python code"
MEMORY = "memory|needs more than [0-9]+ MB"
PT2 = "PyTorch .pt2 files can run code when opened"
TOO_LONG = "The model took longer than [0-9]+ s and was stopped."
OUTSIDE = "The weights must lie beside the model; pack both into one zip."
UNKNOWN = "These weights match no network of torchvision or timm"
WORKS = ""

SENTENCES = {
    "torch": {
        "ts_infinite.pt": TOO_LONG,
        "ts_memory.pt": MEMORY,
        "ts_nan.pt": "The model returned values that are not numbers for 3 of 3 classes; no map can be drawn. "
        "Check the preprocessing or try a different picture.",
        "ts_read_passwd.pt": r"operation on files \(torch.from_file\)",
        "ts_forward_save.pt": r"operation on files \(torch.save\)",
        "ts_benign.pt": WORKS,
        "ts_forward_fromfile.pt": WORKS,  # torch.jit.script left the harmful line out, as nothing used its result
        "ts_setstate_write.pt": WORKS,  # likewise
        "raw_pickle.pt": "needs to run: posix.system. Save a state dict",
        "torchzip_evil.pt": "needs to run: posix.system. Save a state dict",
        "torchlegacy_evil.pt": "needs to run: posix.system. Save a state dict",
        "gadget_collect_env.pt": "needs to run: torch.utils.collect_env.run",
        "gadget_timeit.pt": "timeit.timeit",
        "gadget_np_runstring.pt": "runstring",
        "gadget_cprofile.pt": "needs to run: cProfile.run",
        "benign_full_module.pt": r"This file is a whole module \(torch.nn.modules.container.Sequential\)",
        "benign_resnet18_full.pt": WORKS,
        "ckpt_with_namespace.pt": UNKNOWN,
        "benign_state_dict.pt": UNKNOWN,
        "benign_checkpoint.pt": UNKNOWN,
        "shape_bomb_expand.pt": "Tensor fc.weight claims 160 GB but stores 4 bytes.",
        "zip_bomb.pt": "The archive would unpack to 1024 MB from",
        "empty.pt": "The file is empty.",
        "truncated.pt": "The file is damaged or cut short",
        "html_as.pt": "This is a web page, not a model.",
        "benign.pt2": PT2,
        "evil_sympy.pt2": PT2,
        "evil_sample.pt2": PT2,
        "evil_target.pt2": PT2,
        "evil_fromfile.pt2": PT2,
    },
    "onnx": {
        "loop_forever.onnx": TOO_LONG,
        "constofshape_bomb.onnx": MEMORY,
        "benign.onnx": WORKS,
        "ext_traversal.onnx": OUTSIDE,
        "ext_abs.onnx": OUTSIDE,
        "ext_symlink.onnx": OUTSIDE,
        "ext_missing.onnx": OUTSIDE,
        "init_shape_lie.onnx": "claims 1000000000000 numbers but stores 16 bytes",
        "custom_op.onnx": "The model uses com.evil:EvilOp, which no runtime here knows.",
        "pyop.onnx": "The model uses pyopmulti_1:PyOp, which no runtime here knows.",
        "garbage.onnx": "This is not a known model file",
        "empty.onnx": "The file is empty.",
        "future_opset.onnx": "The model asks for ONNX opset 99",
        "nan.onnx": "The model returned values that are not numbers for 3 of 3 classes; no map can be drawn. "
        "Check the preprocessing or try a different picture.",
    },
    "keras": {
        "sm_loop": TOO_LONG,
        "sm_mem": MEMORY,
        "units_bomb.keras": MEMORY,
        "benign.keras": WORKS,
        "benign.h5": WORKS,
        "sm_benign": WORKS,
        "sm_read": r"operation on files \(ReadFile\)",
        "sm_write": r"operation on files \(WriteFile\)",
        "sm_onload": r"operation on files \(WriteFile\)",
        "sm_py": "calls back into Python",
        "lambda.keras": f"'lambda' {LAMBDA}",
        "lambda.h5": f"'lambda' {LAMBDA}",
        "cve_2025_1550.keras": "asks for the Python function 'subprocess.run' by its name",
        "cve_2025_8747.keras": LAMBDA,
        "cve_2025_9906.keras": LAMBDA,
        "stringlookup_passwd.keras": "reads its vocabulary from a file outside the model",
        "torchmodulewrapper.keras": "is a TorchModuleWrapper, which holds a Python pickle",
        "tfsmlayer.keras": "is a TFSMLayer, which loads another model from a path",
        "traversal.keras": "The archive holds an unsafe path",
        "zipslip_sm.zip": "The archive holds an unsafe path",
        "h5_external_storage.keras": "lie in a file outside the model",
        "h5_external_link.keras": "are a link to another place",
        "h5_shape_bomb.keras": "claim 152587 MB but store 0 bytes",
        "zipbomb_sm.zip": "The archive would unpack to 8192 MB from",
    },
}
# Every kind of ending, with few starts of a framework. `make test-long` runs the rest, of files that others made.
QUICK = {
    "torch": ("ts_infinite.pt", "ts_benign.pt", "raw_pickle.pt"),
    "onnx": ("ext_traversal.onnx", "nan.onnx"),
    "keras": ("lambda.keras", "traversal.keras"),
}
REST = SENTENCES | {"onnx": tuple(name for name in SENTENCES["onnx"] if name not in QUICK["onnx"])}
Answers = dict[str, "subprocess.CompletedProcess[str]"]


def write_lambda(path: Path) -> None:
    """Write a Keras file whose only layer holds code."""
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "lambda"}}
    model = {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [layer]}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("model.weights.h5", b"")


def write_path_outside(path: Path) -> None:
    """Write a Keras file with an entry above its folder."""
    write_lambda(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../vitrine-marker-traversal", b"")


def cases(asked: dict[str, Iterable[str]]) -> pytest.MarkDecorator:
    files = [(framework, name) for framework, names in asked.items() for name in names]
    return pytest.mark.parametrize(("framework", "name"), files, ids=[name for _, name in files])


@pytest.fixture(scope="module")
def own_files(bad_inputs, bad_torch_files, tmp_path_factory) -> dict[str, Path]:
    """The folders of bad files that cost no start of TensorFlow."""
    keras = tmp_path_factory.mktemp("bad_keras")
    write_lambda(keras / "lambda.keras")
    write_path_outside(keras / "traversal.keras")
    return {"torch": bad_torch_files, "onnx": bad_inputs("onnx"), "keras": keras}


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> Callable[[Path, str, tuple[str, ...]], Answers]:
    """What the command said of files of a framework in a folder; all are asked at once, a few at a time."""
    picture = tmp_path_factory.mktemp("picture") / "grey.png"
    Image.fromarray(np.full((32, 32, 3), 128, np.uint8)).save(picture)

    def ask(file: Path, sentence: str) -> subprocess.CompletedProcess[str]:
        start = "from vitrine.cli.main import main; raise SystemExit(main())"
        command = [sys.executable, "-c", start, "predict", str(file), str(picture)]
        seconds = SHORT if sentence == TOO_LONG else LONG  # no other end has a clock
        environment = os.environ | {"VITRINE_STEP_SECONDS": seconds, "VITRINE_OPEN_SECONDS": seconds}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    @cache
    def answers_for(folder: Path, framework: str, names: tuple[str, ...]) -> Answers:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = pool.map(ask, [folder / name for name in names], map(SENTENCES[framework].get, names))
            return dict(zip(names, asked, strict=True))

    return answers_for


def ends_in_its_sentence(answer: subprocess.CompletedProcess[str], sentence: str, folder: Path) -> None:
    if sentence == WORKS:
        assert answer.returncode == 0
        assert answer.stderr == "" or re.fullmatch(
            r"The file does not say how pictures are prepared\..*\n", answer.stderr
        )
        return
    assert answer.returncode == (4 if sentence in (MEMORY, TOO_LONG) else 3), answer.stdout
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert "Traceback" not in answer.stderr
    assert str(folder) not in answer.stderr
    assert re.search(sentence, answer.stderr), answer.stderr


@cases(QUICK)
def test_a_file_ends_in_its_sentence_or_works(answers, framework, name, own_files):
    folder = own_files[framework]
    ends_in_its_sentence(answers(folder, framework, QUICK[framework])[name], SENTENCES[framework][name], folder)


@pytest.mark.long
@pytest.mark.timeout(1800)
@cases(REST)
def test_another_file_does_so_too(answers, framework, name, bad_inputs):
    folder = bad_inputs(framework)
    ends_in_its_sentence(answers(folder, framework, tuple(REST[framework]))[name], SENTENCES[framework][name], folder)


@pytest.mark.long
@pytest.mark.parametrize("framework", SENTENCES)
def test_every_file_is_in_the_table(bad_inputs, framework):
    made = {path.name for path in bad_inputs(framework).iterdir() if path.name != "lnk.bin"}
    assert made - {"deep_nest.onnx"} == set(SENTENCES[framework])


def test_none_of_them_left_a_marker(answers, own_files):
    for framework, names in QUICK.items():
        answers(own_files[framework], framework, names)
    assert glob.glob(MARKERS) == []


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_none_of_the_others_left_a_marker(answers, bad_inputs):
    for framework, names in REST.items():
        answers(bad_inputs(framework), framework, tuple(names))
    assert glob.glob(MARKERS) == []
