"""The networks that code defines, found in its syntax trees; nothing runs."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from model_adapters.code.files import Module
from xai_core.model_code import EntryKind

MODULES = ("Module", "LightningModule", "Sequential", "PyTorchModelHubMixin")
LIBRARIES = ("torchvision", "timm", "transformers", "efficientnet_pytorch", "segmentation_models_pytorch")
ADDING = ("add_module", "register_buffer", "register_parameter")
LONGEST_DEFAULT, MOST_PARAMETERS, MOST_DEFINITIONS, MOST_BASES = 100, 60, 100, 5


@dataclass(frozen=True)
class Parameter:
    """A parameter with its default as Python text, "" if it has none."""

    name: str
    default: str = ""


@dataclass(frozen=True)
class Definition:
    """A class or function that builds a network.

    name: of the object itself. module: for import. parts: what a class, or the class that a function returns, assigns
    to its instances. within: whether another definition uses it as a part. made: the class that a function calls.
    """

    name: str
    module: Module
    kind: EntryKind
    parameters: tuple[Parameter, ...]
    parts: frozenset[str]
    within: bool = False
    made: str = ""

    @property
    def whole_name(self) -> str:
        """The name with its module's."""
        return f"{self.module.name}.{self.name}"


@dataclass(frozen=True)
class _Class:
    node: ast.ClassDef
    module: Module
    imported: dict[str, str]


def find_definitions(modules: list[Module]) -> list[Definition]:
    """Return the classes of networks in the order of the files, then the functions that build one."""
    every = [entry for module in modules for entry in _classes(module)]
    known = {entry.node.name: entry for entry in every}
    networks = [entry for entry in every if _is_network(entry, known)]
    used = _used_by_others(networks)
    classes = [_of_class(entry, known, entry.node.name in used) for entry in networks]
    by_name = {definition.name: definition for definition in classes}
    functions = [found for module in modules for found in _functions(module, by_name)]
    return [*classes, *functions][:MOST_DEFINITIONS]


def defined_names(modules: list[Module]) -> set[str]:
    """Return the names of all classes and functions at the top of the files."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {node.name for module in modules for node in module.tree.body if isinstance(node, kinds)}


def short_names(definitions: list[Definition]) -> dict[str, Definition]:
    """Return definitions by name; those that share a name have their module's before it."""
    counts = Counter(definition.name for definition in definitions)
    return {d.name if counts[d.name] == 1 else d.whole_name: d for d in definitions}


def _classes(module: Module) -> Iterator[_Class]:
    imported = _imports(module)
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef):
            yield _Class(node, module, imported)


def _imports(module: Module) -> dict[str, str]:
    """Return where the imported names of a file come from."""
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _is_network(entry: _Class, known: dict[str, _Class], depth: int = 0) -> bool:
    bases = [(_last_name(base), _root(base, entry.imported)) for base in entry.node.bases]
    if any(name in MODULES or root in LIBRARIES for name, root in bases):
        return True
    if depth < MOST_BASES and any(name in known and _is_network(known[name], known, depth + 1) for name, _ in bases):
        return True
    return any(name not in known for name, _ in bases) and _method(entry.node, "forward") is not None


def _of_class(entry: _Class, known: dict[str, _Class], within: bool) -> Definition:
    family = list(_family(entry, known))
    init = next((found for e in family if (found := _method(e.node, "__init__"))), None)
    parts = frozenset(part for e in family for part in _parts(e.node))
    return Definition(entry.node.name, entry.module, "class", _parameters(init, 1), parts, within)


def _family(entry: _Class, known: dict[str, _Class]) -> Iterator[_Class]:
    """Yield a class and those of the files that it inherits from, nearest first."""
    waiting, seen = [entry], set()
    while waiting:
        entry = waiting.pop(0)
        if entry.node.name not in seen:
            seen.add(entry.node.name)
            yield entry
            waiting += [known[name] for base in entry.node.bases if (name := _last_name(base)) in known]


def _functions(module: Module, classes: dict[str, Definition]) -> Iterator[Definition]:
    imported = _imports(module)
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or not _returns(node):
            continue
        calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
        made = next((name for call in calls if (name := _last_name(call)) in classes), "")
        from_library = any(_root(call, imported) in LIBRARIES or _is_of_models(call) for call in calls)
        if made or from_library or _last_name(node.returns) in {*MODULES, *classes}:
            parts = classes[made].parts if made else frozenset[str]()
            yield Definition(node.name, module, "function", _parameters(node, 0), parts, made=made)


def _returns(node: ast.FunctionDef) -> bool:
    return any(isinstance(part, ast.Return) and part.value is not None for part in ast.walk(node))


def _is_of_models(call: ast.expr) -> bool:
    """Whether a call looks like models.resnet18 or timm.create_model."""
    return isinstance(call, ast.Attribute) and _last_name(call.value) in ("models", *LIBRARIES)


def _used_by_others(networks: list[_Class]) -> set[str]:
    names = {entry.node.name for entry in networks}
    return {
        node.id
        for entry in networks
        for statement in entry.node.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id in names - {entry.node.name}
    }


def _parts(node: ast.ClassDef) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and _last_name(part.value) == "self":
            yield part.attr
        elif isinstance(part, ast.Call) and _last_name(part.func) in ADDING:
            yield from (str(first.value) for first in part.args[:1] if isinstance(first, ast.Constant))


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == name), None)


def _parameters(function: ast.FunctionDef | None, skipped: int) -> tuple[Parameter, ...]:
    if function is None:
        return ()
    given = function.args
    places = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(places) - len(given.defaults)) + list(given.defaults)
    by_place = list(zip(places, defaults, strict=True))[skipped:]
    named = [*by_place, *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return tuple(Parameter(argument.arg, _text(default)) for argument, default in named[:MOST_PARAMETERS])


def _text(default: ast.expr | None) -> str:
    if default is None:
        return ""
    text = ast.unparse(default)
    return text if len(text) <= LONGEST_DEFAULT else "..."


def _last_name(node: ast.expr | None) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _root(node: ast.expr, imported: dict[str, str]) -> str:
    """Return the library that a name comes from, as far as the imports of its file say it."""
    while isinstance(node, ast.Attribute):
        node = node.value
    name = node.id if isinstance(node, ast.Name) else ""
    return imported.get(name, name).partition(".")[0]
