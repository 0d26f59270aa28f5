"""Methods that a host hides, by the environment variable VITRINE_HIDE_METHODS: "lrp, attention_rollout"."""

from __future__ import annotations

import os
from functools import cache

from xai_core.errors import ParamError

SETTING = "VITRINE_HIDE_METHODS"
_declared: set[str] = set()


@cache
def hidden_methods() -> frozenset[str]:
    """Return the ids of the hidden methods; they are in no registry, so nothing offers or runs them."""
    names = (name.strip() for name in os.environ.get(SETTING, "").split(","))
    return frozenset(name for name in names if name)


def is_hidden(method_id: str) -> bool:
    """Note that a method is declared, and return whether the host hides it."""
    _declared.add(method_id)
    return method_id in hidden_methods()


def check_hidden_methods() -> None:
    """Raise ParamError if the host hides an id that no method has; call this once all methods are registered."""
    if unknown := sorted(hidden_methods() - _declared):
        raise ParamError(
            f"{SETTING} names {unknown[0]!r}, which is not a method. The methods are {', '.join(sorted(_declared))}."
        )
