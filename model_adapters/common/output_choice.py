"""Declare which output of a classifier holds its class scores, without a framework."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from xai_core.errors import ParamError
from xai_core.params import Declared, params_of


@dataclass(frozen=True, kw_only=True)
class OutputChoice(Declared):
    """Which output of a classifier is explained, and what it means; it travels as the reading of a model's source."""

    id: ClassVar[str] = "output_choice"
    title: ClassVar[str] = "A choice of output"

    output: Annotated[
        str, "The name of the output that holds the class scores, if a classifier has several; empty to detect it."
    ] = ""
    scoring: Annotated[
        Literal["", "softmax", "sigmoid", "none", "similarity"],
        "What the outputs are: softmax if exactly one class is right, sigmoid if several may be, none for numbers "
        "(regression), similarity for an embedding, which is compared with reference pictures; empty to follow the "
        "file or the usual choice.",
    ] = ""
    labels: Annotated[
        str, "For a model that compares pictures with texts: the labels it chooses from, one per line."
    ] = ""
    prompt: Annotated[str, "The text around each of these labels; {} stands for the label."] = ""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote; "" chooses nothing. Raises ParamError."""
        try:
            fields: Any = json.loads(text or "{}")
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise ParamError('A choice of output must be JSON such as {"output": "logits"}; this is not.')
        return cls.fitted(None, fields)

    def to_text(self) -> str:
        """Return the choice as JSON, "" if there is none; the same text for the same choice."""
        values = {name: value for name, value in self.values().items() if value}
        return json.dumps(values, sort_keys=True) if values else ""

    def among(self, names: Iterable[str]) -> str:
        """Return the chosen name; ParamError lists the names if it is not one of them."""
        known = list(names)
        if self.output not in known:
            listed = ", ".join(name[:60] for name in known[:20])
            raise ParamError(
                f"No output called {self.output[:60]!r} can hold class scores. Those that can are: {listed}."
            )
        return self.output


OutputChoice.params = params_of(OutputChoice)
