"""What a tab holds for its classifier."""

from __future__ import annotations

from dataclasses import dataclass, field

from vitrine.ui.session import Key
from vitrine.ui.slots.model import ModelSlot
from xai_core.services.preparation import Prepared
from xai_core.types import Floats


@dataclass
class ClassifierSlot(ModelSlot[Prepared]):
    """The classifier that a tab holds, with its scores (K,) for each picture."""

    scores: dict[Key, Floats] = field(default_factory=dict)
