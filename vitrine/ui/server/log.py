"""The log of the app, on standard error: messages that name a reference, and what workers print, are found there."""

from __future__ import annotations

import logging

PACKAGES = ("vitrine", "xai_core", "model_adapters")


def begin() -> None:
    """Write everything from INFO on; Python would leave out the lines of workers, and so the tracebacks of parsers."""
    lines = logging.StreamHandler()
    lines.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in PACKAGES:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.addHandler(lines)
