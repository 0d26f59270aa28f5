"""Find networks of the index among a checkpoint's tensors by their names and shapes, behind any prefix.

Every prefix that stands before the first layer of a known network is tried. What lies behind it is compared with the
index as a whole, then without what does not belong to the network, then without its head.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model_adapters.pytorch import architecture_index as index
from model_adapters.pytorch.architecture_index import Architecture, Match, Shapes
from model_adapters.pytorch.finding.names import Names

MOST_PREFIXES = 2000


@dataclass(frozen=True)
class Found:
    """A network of the index in a checkpoint; `names` are its tensors' names in the file, by those of the network."""

    prefix: str
    match: Match
    names: Mapping[str, str]


@dataclass(frozen=True)
class Trunk:
    """A network of the index whose head is missing or was replaced; `architectures` share the trunk."""

    prefix: str
    architectures: tuple[Architecture, ...]
    shapes: Shapes


def find_networks(names: Names) -> list[Found]:
    """Return the networks that a checkpoint holds with their heads, those of averaged weights last."""
    networks: list[Found] = []
    for prefix in _prefixes(names):
        if not any(prefix.startswith(found.prefix) and prefix != found.prefix for found in networks):
            networks.extend([found] if (found := _at(prefix, names.under(prefix))) else [])
    return sorted(networks, key=lambda found: is_average(found.prefix))


def find_as(names: Names, chosen: Architecture) -> Found | None:
    """Return the network of an architecture behind any prefix, None if there is none."""
    endings = {chosen.stem} if chosen.stem else set(chosen.head)
    behind = (_as(prefix, names.under(prefix), [chosen]) for prefix in names.prefixes(endings))
    return min((found for found in behind if found), key=lambda found: is_average(found.prefix), default=None)


def find_trunks(names: Names) -> list[Trunk]:
    """Return the networks whose heads are missing or unknown, the largest first."""
    trunks = [trunk for prefix in _prefixes(names) for trunk in _trunks(prefix, names.under(prefix))]
    return sorted(trunks, key=lambda trunk: (-len(trunk.shapes), is_average(trunk.prefix)))


def is_average(prefix: str) -> bool:
    """Whether a prefix names averaged weights, such as "model_ema."."""
    words = {word for part in prefix.lower().split(".") for word in part.split("_")}
    return bool(words & {"ema", "averaged", "average", "teacher", "swa", "shadow"})


def _prefixes(names: Names) -> list[str]:
    prefixes = names.prefixes(index.endings())
    return [prefix for prefix, _ in zip(prefixes, range(MOST_PREFIXES), strict=False)]


def _at(prefix: str, under: Shapes) -> Found | None:
    if match := index.find(under):
        return Found(prefix, match, {name: prefix + name for name in under})
    for trunk in _trunks(prefix, under):
        if found := _as(prefix, under, trunk.architectures):
            return found
    return None


def _as(prefix: str, under: Shapes, architectures: Iterable[Architecture]) -> Found | None:
    """Return the network that fits the first of `architectures`, once what is not part of it is left out."""
    matches: list[tuple[Match, dict[str, str]]] = []
    for architecture in architectures:
        parts = {*architecture.parts, *map(index.first_part, architecture.head)}
        own = {name: shape for name, shape in under.items() if index.first_part(name) in parts}
        for bare in ({name: name for name in own}, {index.plain_head_name(name, own): name for name in own}):
            if match := index.fit({name: own[old] for name, old in bare.items()}, architecture):
                matches.append((match, bare))
                break
    if not matches:
        return None
    (first, bare), *rest = matches
    others = tuple(match.architecture.name for match, _ in rest)
    match = Match(first.architecture, others, first.classes, first.channels)
    return Found(prefix, match, {name: prefix + old for name, old in bare.items()})


def _trunks(prefix: str, under: Shapes) -> list[Trunk]:
    """Return the trunks at a prefix, the largest first."""
    top = {index.first_part(name) for name in under}
    trunks = []
    for stem, groups in index.by_stem().items():
        for parts, by_mark in groups.items() if not stem or len(under.get(stem, ())) > 1 else ():
            if top.issuperset(parts):
                shapes = {n: s for n, s in under.items() if index.first_part(n) in parts and index.counts(n)}
                if same := by_mark.get(index.fingerprint(shapes, (), stem)):
                    trunks.append(Trunk(prefix, tuple(same), shapes))
    return sorted(trunks, key=lambda trunk: -len(trunk.shapes))
