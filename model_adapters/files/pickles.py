"""Judge a pickle by the names in it: only tensors and plain values, objects that are read as data, or calls to run.

Nothing here decides what may be executed, since nothing is (`files.inert`). A file that asks for a call of a function,
or mentions a part of Python's library that does more than hold data, is refused all the same: weights need neither.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from model_adapters.files.records import Contents
from xai_core.errors import RefusedModel

TORCH_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"
LEGACY_PICKLES = 5  # magic number, protocol version, system, the object, keys of its storages
FASTAI = (
    "This is an export of fastai, a whole program. Convert it where fastai is installed: "
    "model = load_learner('export.pkl').model.cpu().eval(); "
    "torch.jit.trace(model, torch.rand(1, 3, 224, 224)).save('model.pt'), with your picture size."
)

_STORAGES = "Float|Half|Double|Long|Int|Short|Char|Byte|Bool|BFloat16|ComplexFloat|ComplexDouble|Untyped|Typed"
_DTYPES = r"float\d+|bfloat16|int\d+|uint\d+|bool|complex\d+|float8_\w+"
_PLAIN = re.compile(
    r"collections\.(OrderedDict|Counter)"
    rf"|torch\.(({_STORAGES})Storage|Size|device|{_DTYPES})"
    r"|torch\._utils\._rebuild_(tensor(_v[23])?|parameter)"
    r"|torch\.storage\.(UntypedStorage|TypedStorage)"
    r"|numpy(\._core|\.core)?(\.multiarray)?\.(scalar|dtype|_reconstruct|ndarray)"
    r"|numpy(\._core|\.core)\.numeric\._frombuffer"
    r"|builtins\.(set|frozenset|complex|bytes|bytearray)"
    r"|_codecs\.encode"
)
_DATA_OF_PYTHON = re.compile(
    r"builtins\.(set|frozenset|slice|range|complex|bytearray|bytes|object|list|dict|tuple|int|float|str|bool|type)"
    r"|builtins\.(getattr|len|max|min|abs|sum|round|sorted|Ellipsis|[A-Z]\w*(Error|Exception|Warning))"
    r"|collections\.(abc\.\w+|OrderedDict|Counter|defaultdict|deque|ChainMap|UserDict|UserList)"
    r"|(datetime|enum|typing|dataclasses|numbers|decimal|fractions|ipaddress|zoneinfo|math|itertools|contextlib)\.[\w.]+"
    r"|pathlib\.(_local\.)?\w*Path|argparse\.Namespace|types\.(SimpleNamespace|MappingProxyType|NoneType)"
    r"|functools\.partial|uuid\.UUID|random\.Random|re\._?compile|array\.(array|_array_reconstructor)"
    r"|logging\.([A-Z]\w+|getLogger)|operator\.(itemgetter|attrgetter|lt|gt|le|ge|add|mul)|time\.struct_time"
    r"|copyreg\.(_reconstructor|__newobj(_ex)?__)|_codecs\.encode"
)
# Classes and rebuilding functions that are written like a public function.
_DATA_OF_LIBRARIES = re.compile(
    rf"numpy\.\w+|numpy[\w.]*\.(scalar|ndarray)|torch\.(device|dtype|{_DTYPES})|torch\.jit\._pickle\.\w+|ml_dtypes\.\w+"
)


def beyond_plain(names: Iterable[str]) -> list[str]:
    """Return, sorted, the names that are no part of tensors and plain values."""
    return sorted(name for name in names if not _PLAIN.fullmatch(name))


def harmful(contents: Contents) -> list[str]:
    """Return, sorted, what a pickle would run and no weights need, such as "posix.system"."""
    calls = {name for name in contents.calls if _is_function(name)}
    return sorted(calls | {name for name in contents.names if _does_more(name)})


def refusal(names: list[str]) -> RefusedModel:
    """Return the error for a pickle that would run `names`."""
    shown = re.sub(r"[^\w., ()-]", "?", ", ".join(names), flags=re.ASCII)
    shown = shown if len(shown) <= 160 else shown[:157] + "..."
    return RefusedModel(
        f"This file is a Python pickle that needs to run: {shown}. "
        "Save a state dict, TorchScript, ONNX or safetensors instead."
    )


def is_fastai_export(contents: Contents) -> bool:
    """Whether the pickle is a whole learner of fastai, with its data and code."""
    return any(name.startswith("fastai.learner.Learner") for name in contents.names)


def _does_more(name: str) -> bool:
    """Whether a name belongs to Python's library and stands for more than data."""
    return name.split(".", 1)[0] in sys.stdlib_module_names and not _DATA_OF_PYTHON.fullmatch(name)


def _is_function(name: str) -> bool:
    """Whether a name is written like a public function of a library; classes and private helpers are not."""
    if name.endswith("()"):
        return True
    is_public_function = re.match("[a-z]", name.rsplit(".", 1)[-1]) is not None
    return is_public_function and not (_DATA_OF_PYTHON.fullmatch(name) or _DATA_OF_LIBRARIES.fullmatch(name))
