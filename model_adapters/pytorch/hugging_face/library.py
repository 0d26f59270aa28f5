"""Import transformers, offline and quietly."""

from __future__ import annotations

import importlib
import os
from typing import Any

from model_adapters.pytorch.architectures import import_torchvision_models
from xai_core.errors import UnsupportedModel

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS")


def library(module: str = "") -> Any:
    """Return transformers, or a module of it by its name within; UnsupportedModel if it is not installed."""
    os.environ.update(dict.fromkeys(OFFLINE, "1"))
    import_torchvision_models()  # without the compiler, which transformers imports itself
    try:
        transformers = importlib.import_module("transformers")
    except ImportError:
        raise UnsupportedModel("This is a model of transformers, which is not installed on this server.") from None
    transformers.utils.logging.set_verbosity(transformers.utils.logging.CRITICAL)
    transformers.utils.logging.disable_progress_bar()
    return importlib.import_module(f"transformers.{module}") if module else transformers
