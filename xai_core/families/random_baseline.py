"""The seed of a baseline of noise, for methods that draw nothing else at random."""

from __future__ import annotations

from typing import Annotated

from xai_core.families.baselines import RANDOM
from xai_core.method import Seed
from xai_core.params import OnlyIf

SeedOfBaseline = Annotated[Seed, OnlyIf("baseline", RANDOM)]
