"""Whether code that comes with a model may run. Whoever starts a worker decides; what runs the code asks here."""

from __future__ import annotations

import os

from xai_core.errors import RefusedModel

ALLOW_CODE = "VITRINE_ALLOW_CODE"
OFF = (
    "This file comes with code, and Vitrine may not run code here. Whoever runs Vitrine can allow it with "
    f"{ALLOW_CODE}=1; the sandbox still applies. Otherwise export the model as TorchScript or ONNX."
)


def check_allowed() -> None:
    """Raise RefusedModel unless this process was started to run code; a worker's environment says so."""
    if os.environ.get(ALLOW_CODE) != "1":
        raise RefusedModel(OFF)
