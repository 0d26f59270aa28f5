"""List what a Python pickle would call, from its opcodes and without running any of them."""

from __future__ import annotations

import pickletools
import re
from typing import IO

from xai_core.errors import RefusedModel

TORCH_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"
LEGACY_PICKLES = 5  # magic number, protocol version, system, the object, keys of its storages

_STORAGES = "Float|Half|Double|Long|Int|Short|Char|Byte|Bool|BFloat16"
_DTYPES = r"float\d+|bfloat16|int\d+|uint\d+|bool|complex\d+"
ALLOWED = re.compile(
    r"collections OrderedDict"
    rf"|torch (({_STORAGES})Storage|Size|device|{_DTYPES})"
    r"|torch\._utils (_rebuild_tensor(_v2)?|_rebuild_parameter)"
    r"|torch\.storage (UntypedStorage|TypedStorage)"
    r"|numpy(\._core|\.core)?(\.multiarray)? (scalar|dtype)"
    r"|_codecs encode"
)


def calls(stream: IO[bytes], pickles: int = 1) -> list[str]:
    """Return, sorted, what `pickles` consecutive pickles would call beyond tensors, such as "posix system".

    RefusedModel if a pickle is damaged.
    """
    names: set[str] = set()
    for _ in range(pickles):
        names |= _globals(stream)
    return sorted(name for name in names if not ALLOWED.fullmatch(name))


def refusal(names: list[str]) -> RefusedModel:
    """Return the error for a pickle that would call `names`, as `calls` gives them."""
    if all(ALLOWED.fullmatch(name.strip()) for name in names):
        return RefusedModel(
            "This file uses a pickle protocol above 3, which is not read. Save it again with torch.save's own protocol."
        )
    shown = ", ".join(name.strip().replace(" ", ".", 1) for name in names)
    shown = re.sub(r"[^\w., -]", "?", shown, flags=re.ASCII)
    shown = shown if len(shown) <= 160 else shown[:157] + "..."
    return RefusedModel(
        f"This file is a Python pickle that needs to run: {shown}. "
        "Save a state dict, TorchScript, ONNX or safetensors instead."
    )


def _globals(stream: IO[bytes]) -> set[str]:
    names: set[str] = set()
    texts: list[str] = []
    try:
        for op, arg, _ in pickletools.genops(stream):
            if op.name in ("GLOBAL", "INST"):
                names.add(str(arg))
            elif op.name == "STACK_GLOBAL":
                # The names may come from anywhere on the stack; for the message, the last two strings are a good guess.
                names.add(" ".join(["?", "?", *texts][-2:]) + " ")
            elif op.name.startswith("EXT"):
                names.add("copyreg extension")
            texts = [*texts[-1:], arg] if isinstance(arg, str) else texts
    except Exception:  # genops raises many kinds on damaged input
        raise RefusedModel("The Python pickle inside the file is damaged or cut short. Get a fresh copy.") from None
    return names
