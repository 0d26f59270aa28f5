"""Open weights with the code that defines their network: ask what to build, or build and fill it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch.nn import Module

from model_adapters.code.definitions import Definition, find_definitions, short_names
from model_adapters.code.files import read_modules
from model_adapters.code.permission import check_allowed
from model_adapters.code.running import RunnableCode
from model_adapters.pytorch import files, script
from model_adapters.pytorch.checkpoint import reading
from model_adapters.pytorch.checkpoint.reading import Checkpoint
from model_adapters.pytorch.finding.flat import flat_tensors
from model_adapters.pytorch.own_code.entries import Evidence, defaults_left, entries_of
from model_adapters.pytorch.own_code.filling import fill
from xai_core.errors import UnsupportedModel
from xai_core.model_code import LIKELIEST, CodeEntry, ModelCode
from xai_core.network import Network
from xai_core.types import Capability, Card, FileKind, Floats, InputSpec, ModelSource

NOTHING = "The code defines no network. Expected a subclass of torch.nn.Module, or a function that returns a module."
LONGEST_CALL = 160


@dataclass(frozen=True)
class Built:
    """A network that code built, with its weights. call: what built it, as in Python. notes: sentences."""

    module: Any
    call: str
    notes: tuple[str, ...]
    checkpoint: Checkpoint
    code: RunnableCode


class Undecided(Network):
    """Weights whose code offers several networks; its card asks which one to build, and nothing has run yet."""

    def __init__(self, kind: FileKind, entries: tuple[CodeEntry, ...]) -> None:
        self.card = Card("pytorch", kind.format, 0, InputSpec(None, None), Capability(0), entries=entries)

    def forward(self, inputs: Floats) -> Floats:
        raise UnsupportedModel("Choose which class or function of the code builds the network.")


def load(source: ModelSource, code: ModelCode, kind: FileKind, scratch: str) -> Network:
    """Open a classifier, or what labels pixels; its card asks what to build if the code's entry is not chosen."""
    built = build(source, code, kind, scratch)
    if isinstance(built, Undecided):
        return built
    with built.code.in_sentences():
        network = _probed(built.module, source, kind)
    card = built.checkpoint.named(network.card)
    network.card = replace(card, architecture=built.call, notes=(*card.notes, *built.notes))
    return network


def _probed(module: Module, source: ModelSource, kind: FileKind) -> Network:
    if source.task != "segment":
        return script.probed(module, kind, reading=source.reading)
    from model_adapters.pytorch.segmentation.open import probed

    return probed(module, kind, source.reading)


def build(source: ModelSource, code: ModelCode, kind: FileKind, scratch: str) -> Built | Undecided:
    """Run the code, build the chosen network and load its weights; if it must be chosen first, run nothing."""
    check_allowed()
    checkpoint = _read(source, kind)
    evidence = Evidence.of(checkpoint)
    entry = code.entry
    if entry in ("", LIKELIEST):
        entries = _entries(code, evidence)
        if entry == "" or not _is_sure(entries[0], code):
            return Undecided(kind, entries)
        entry = entries[0].name
    return _built(replace(code, entry=entry), checkpoint, evidence, RunnableCode(code, scratch))


def _is_sure(entry: CodeEntry, code: ModelCode) -> bool:
    return bool(entry.reason) and (entry.is_complete or code.arguments is not None)


def _built(code: ModelCode, checkpoint: Checkpoint, evidence: Evidence, runnable: RunnableCode) -> Built:
    definition = _chosen(find_definitions(runnable.modules), code.entry)
    arguments = _guessed(definition, evidence) if code.arguments is None else code.arguments
    module = runnable.built(definition, arguments, evidence.settings)
    call = f"{definition.name}({arguments})"
    call = call if len(call) <= LONGEST_CALL else f"{call[: LONGEST_CALL - 4]}...)"
    if not isinstance(module, Module):
        raise UnsupportedModel(
            f"{call} returned {type(module).__name__[:60]}; expected a torch.nn.Module. Choose a different class or "
            "function."
        )
    with runnable.in_sentences():
        notes = fill(module, flat_tensors(checkpoint.content), call)
    ran = f"The network is {call} from {code.name[:60]} (SHA-256 {code.digest[:12]}), which ran in the sandbox."
    if left := defaults_left(definition, arguments):
        ran = f"{ran} Arguments that are not set have their defaults: {left}."
    return Built(module, call, (ran, *checkpoint.notes, *notes), checkpoint, runnable)


def _read(source: ModelSource, kind: FileKind) -> Checkpoint:
    if kind.format == "safetensors":
        return Checkpoint(files.read_safetensors(source.path))
    return reading.read(source.path)


def _entries(code: ModelCode, evidence: Evidence) -> tuple[CodeEntry, ...]:
    definitions = find_definitions(read_modules(code))
    if not definitions:
        raise UnsupportedModel(NOTHING)
    return entries_of(definitions, evidence)


def _chosen(definitions: list[Definition], entry: str) -> Definition:
    named = {**{d.whole_name: d for d in definitions}, **short_names(definitions)}
    if entry in named:
        return named[entry]
    if not named:
        raise UnsupportedModel(NOTHING)
    known = ", ".join(list(short_names(definitions))[:12])
    raise UnsupportedModel(f"The code defines no network called {entry[:60]!r}. It defines {known}.")


def _guessed(definition: Definition, evidence: Evidence) -> str:
    entry = entries_of([definition], evidence)[0]
    if missing := [parameter.name for parameter in entry.parameters if parameter.is_open]:
        raise UnsupportedModel(
            f"The file does not give the argument{'s' if len(missing) > 1 else ''} {', '.join(missing)} of "
            f"{definition.name}. Set {'them' if len(missing) > 1 else 'it'}: {entry.in_words}."
        )
    return entry.arguments
