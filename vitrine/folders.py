"""Where Vitrine finds what comes with it: the app, the samples, and the example pictures of its methods.

In a checkout they lie beside the code; an installed package has them in `vitrine/app`. For any other place, set the
environment variable, which child processes inherit.
"""

from __future__ import annotations

import os
from pathlib import Path

SAMPLES = "VITRINE_SAMPLES"
BUILT_SAMPLES = "VITRINE_BUILT_SAMPLES"
EXAMPLES = "VITRINE_EXAMPLES"
_INSTALLED = Path(__file__).resolve().parent / "app"
IS_INSTALLED = _INSTALLED.exists()
ROOT = _INSTALLED if IS_INSTALLED else Path(__file__).resolve().parents[1]


def samples_folder() -> Path:
    """Return the folder of samples.json and the files that come with it."""
    return Path(os.environ.get(SAMPLES) or ROOT / "samples")


def built_samples_folder() -> Path:
    """Return the folder of the models and pictures that samples/build.py creates.

    An installed package is never written to, so that uninstalling removes it completely; its samples are in
    ~/.cache/vitrine.
    """
    if named := os.environ.get(BUILT_SAMPLES):
        return Path(named)
    cached = IS_INSTALLED and not os.environ.get(SAMPLES)
    return Path(os.path.expanduser("~/.cache/vitrine/samples")) if cached else samples_folder()


def examples_folder() -> Path:
    """Return the folder of the methods' example pictures, METHOD.webp, and of without.json."""
    return Path(os.environ.get(EXAMPLES) or ROOT / "docs" / "images" / "methods")
