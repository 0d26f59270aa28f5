"""Layers and functions of a Keras file that the user's code defines."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_adapters.code.definitions import defined_names
from model_adapters.code.running import RunnableCode
from model_adapters.tensorflow import keras_file
from model_adapters.tensorflow.keras_api import IS_KERAS_2
from xai_core.errors import UnsupportedModel
from xai_core.model_code import ModelCode
from xai_core.types import FileKind


@dataclass(frozen=True)
class OwnDefinitions:
    """What code defines for a file, by the name under which Keras looks for it; the code has run. note: a sentence."""

    objects: Mapping[str, Any]
    runnable: RunnableCode
    note: str


def definitions(code: ModelCode, path: str, kind: FileKind, scratch: str) -> OwnDefinitions:
    """Run the files of the code that define what a Keras file asks for; UnsupportedModel if none does."""
    runnable = RunnableCode(code, scratch)
    _name_keras()
    wanted = keras_file.names_in(path, kind)
    objects: dict[str, Any] = {}
    for module in runnable.modules:
        own = defined_names([module]) & set(wanted.values())
        space = vars(runnable.run(module)) if own else {}
        objects |= {key: space[name] for key, name in wanted.items() if name in own and name in space}
    if not objects:
        known = ", ".join(sorted(defined_names(runnable.modules))[:12]) or "nothing"
        raise UnsupportedModel(f"The code defines none of the layers that the file needs. It defines {known}.")
    names = ", ".join(sorted({wanted[key] for key in objects})[:6])
    note = f"{names} from {code.name[:60]} (SHA-256 {code.digest[:12]}) ran in the sandbox."
    return OwnDefinitions(objects, runnable, note)


def _name_keras() -> None:
    """Have code that imports keras get the Keras of this process."""
    if IS_KERAS_2:
        own = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "tf_keras"}
        sys.modules.update({name.replace("tf_keras", "keras", 1): module for name, module in own.items()})
