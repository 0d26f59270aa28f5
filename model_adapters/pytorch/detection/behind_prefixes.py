"""Find torchvision's detectors among a checkpoint's tensors, behind any prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from model_adapters.pytorch.detection.torchvision_detectors import MARKS, Recognised, recognised
from model_adapters.pytorch.files import Tensors
from model_adapters.pytorch.finding.names import Names
from model_adapters.pytorch.finding.search import MOST_PREFIXES, is_average

SHOWN = 3  # places named in a note


@dataclass(frozen=True)
class Placed:
    """A detector in a checkpoint and the prefix of its tensors there, such as "model."."""

    prefix: str
    match: Recognised

    @property
    def place(self) -> str:
        """The prefix in words."""
        return self.prefix.rstrip(".")[:80] or "the one without a prefix"

    @property
    def choice(self) -> str:
        """The detector in the form of a source's `architecture`."""
        place = self.prefix.rstrip(".")
        return f"{self.match.known.name} in {place}" if place else self.match.known.name


def detectors_in(tensors: Tensors, digest: str = "") -> list[Placed]:
    """Return the detectors that a checkpoint holds, those of averaged weights last. digest: of the file."""
    candidates = ((prefix, recognised(under(tensors, prefix), digest)) for prefix in prefixes_in(tensors))
    placed = [Placed(prefix, match) for prefix, match in candidates if match]
    return sorted(placed, key=lambda each: is_average(each.prefix))


def prefixes_in(tensors: Tensors) -> list[str]:
    """Return what stands before the names of a detector's heads, averaged weights last."""
    names = Names({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    return sorted(islice(names.prefixes(MARKS), MOST_PREFIXES), key=is_average)


def under(tensors: Tensors, prefix: str) -> Tensors:
    """Return the tensors behind a prefix, without it; floats of other types become float32."""
    return {
        name[len(prefix) :]: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def copies_note(placed: Sequence[Placed]) -> tuple[str, ...]:
    """Say which of several detectors in a file is used, and how to open another one."""
    first, *others = placed
    if not others:
        return ()
    listed = ", ".join(other.place for other in others[:SHOWN])
    return (
        f"The file holds {len(placed)} detectors. {first.place} is used, not {listed}. To open another one, choose it "
        f"as the architecture: {others[0].choice}.",
    )
