"""Where Vitrine finds what comes with it: the samples, and the example pictures of its methods.

In a checkout both lie beside the code. Anything else sets the environment variable, which child processes inherit.
"""

from __future__ import annotations

import os
from pathlib import Path

SAMPLES = "VITRINE_SAMPLES"
EXAMPLES = "VITRINE_EXAMPLES"
ROOT = Path(__file__).resolve().parents[1]


def samples_folder() -> Path:
    """Return the folder of samples.json, with the models and pictures it lists."""
    return Path(os.environ.get(SAMPLES) or ROOT / "samples")


def examples_folder() -> Path:
    """Return the folder of the methods' example pictures, METHOD.webp, and of without.json."""
    return Path(os.environ.get(EXAMPLES) or ROOT / "docs" / "images" / "methods")
