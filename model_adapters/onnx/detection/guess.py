"""A guess of how a detector's outputs are read, and what must be asked if two readings are possible."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model_adapters.onnx.detection.readings import Reading


@dataclass(frozen=True)
class Guess:
    """A likely reading.

    question: what the user must decide, as a sentence; "" if the reading is certain. decided_by: the fields that answer
    the question, with the values of another reading that is possible. note: what was assumed, as a sentence.
    """

    reading: Reading
    question: str = ""
    decided_by: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def settled_by(self, reading_text: str) -> bool:
        """Whether a reading, as JSON, answers the question."""
        if not self.question:
            return True
        fields = json.loads(reading_text) if reading_text else {}
        return fields.get("form", self.reading.form) != self.reading.form or set(self.decided_by) <= set(fields)

    @property
    def sentence(self) -> str:
        """The question with the fields that answer it, the likelier reading first."""
        values = self.reading.values()
        likely = json.dumps({name: values[name] for name in self.decided_by})
        return f"{self.question} Likely: {likely}; otherwise {json.dumps(dict(self.decided_by))}."
