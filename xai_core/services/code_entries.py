"""Ask what to build from the code that came with weights."""

from __future__ import annotations

from xai_core.errors import ChooseEntry
from xai_core.model_code import CodeEntry


def choose_entry(entries: tuple[CodeEntry, ...]) -> ChooseEntry:
    """Return the error that asks which class or function builds the network, and with which arguments."""
    likely = next((entry for entry in entries if entry.reason), None)
    guess = f" {likely.name} is the most likely: {likely.reason}." if likely else ""
    count = (
        f"{len(entries)} classes and functions that build" if len(entries) > 1 else "a class or function that builds"
    )
    return ChooseEntry(
        f"The code has {count} a network. Choose what to build, and check its arguments.{guess}", entries
    )
