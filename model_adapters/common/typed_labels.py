"""The labels that you type for a model that compares pictures with texts, such as CLIP."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from model_adapters.common.output_choice import OutputChoice
from xai_core.errors import ParamError
from xai_core.types import Head

PLACE = "{}"
PROMPT = "a photo of a {}"
ARTICLE = re.compile(r"(an?|the)\s", re.IGNORECASE)
BEFORE_THE_PLACE = re.compile(rf"\b(an?|the) {re.escape(PLACE)}", re.IGNORECASE)
MOST_LABELS = 1000
LONGEST_TEXT = 300
NONE = "Type at least one label, one per line."
TOO_FEW = "{model} needs at least two labels, since their probabilities add up to 1; got {count}."


@dataclass(frozen=True)
class TypedLabels:
    """Labels, one per line, and the sentence that each is put into, with a place for it; ParamError if unusable.

    They travel as the reading of a model's source, as part of an `OutputChoice`.
    """

    labels: str = ""
    prompt: str = PROMPT

    @classmethod
    def of(cls, names: Sequence[str], prompt: str | None = None) -> Self:
        """Return labels from a sequence; None for the usual prompt."""
        return cls("\n".join(" ".join(name.split()) for name in names), PROMPT if prompt is None else prompt)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the labels in a source's reading; none if they were not typed. Raises ParamError."""
        choice = OutputChoice.from_text(text)
        return cls(choice.labels, choice.prompt or PROMPT)

    @property
    def choice(self) -> OutputChoice:
        """The labels as a choice that a source's reading holds."""
        return OutputChoice(labels="\n".join(self.names), prompt=self.prompt)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels, without empty lines."""
        return tuple(filter(None, (line.strip() for line in self.labels.splitlines())))

    @property
    def texts(self) -> tuple[str, ...]:
        """What a picture is compared with: each label in its prompt, whose article gives way to one of the label."""
        bare = BEFORE_THE_PLACE.sub(PLACE, self.prompt)
        return tuple((bare if ARTICLE.match(name) else self.prompt).replace(PLACE, name) for name in self.names)

    def too_few(self, head: Head | None, model: str = "This model") -> str:
        """Return why a model cannot choose from these labels, as a sentence; "" if there are enough.

        head: what turns its scores into probabilities, None if that is not known yet. model: its name.
        """
        count = len(self.names)
        if count == 0:
            return NONE
        return TOO_FEW.format(model=model, count=count) if head == "softmax" and count < 2 else ""

    def __post_init__(self) -> None:
        if self.prompt.count(PLACE) != 1:
            raise ParamError(f"A prompt needs {PLACE} exactly once, where the label goes; got {self.prompt[:80]!r}.")
        names = self.names
        if len(names) > MOST_LABELS:
            raise ParamError(f"At most {MOST_LABELS:,} labels are allowed; got {len(names):,}.")
        if repeated := next((name for at, name in enumerate(names) if name in names[:at]), None):
            raise ParamError(f"All labels must differ; {repeated[:80]!r} appears twice.")
        if long := next((text for text in self.texts if len(text) > LONGEST_TEXT), None):
            raise ParamError(
                f"A label with its prompt may have at most {LONGEST_TEXT} characters; {long[:40]!r} ... has more."
            )
