"""Fetch torchvision's own weights of a detector, trained on COCO:
`python -m model_adapters.pytorch.detection.coco_weights NAME`.

It runs in its own process, since the app imports no framework. The file is stored in the cache of torch.hub, or
taken from there; its path is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection import known_detectors

FAILED = 2  # exit code


class NotFetched(Exception):
    """The weights could not be fetched; the message is a sentence with the reason."""


def main(arguments: list[str]) -> int:
    """Print where the weights of a detector are stored; return 0, or 2 with a message on stderr if they are missing."""
    try:
        if len(arguments) != 1:
            raise NotFetched(f"Give the name of one detector: {', '.join(known_detectors.coco_names())}.")
        print(fetched(arguments[0]))
    except NotFetched as reason:
        print(reason, file=sys.stderr)
        return FAILED
    return 0


def fetched(name: str) -> Path:
    """Return where the weights of a detector such as "torchvision/ssd300_vgg16" are stored, fetching them if needed.

    NotFetched if there are none, the network does not answer, or the file is damaged.
    """
    known = known_detectors.named(name)
    if known is None or not known.coco:
        raise NotFetched(
            f"torchvision has no weights for {name[:80]!r}; it has {', '.join(known_detectors.coco_names())}."
        )
    weights = import_torchvision_models().get_model_weights(name.removeprefix("torchvision/")).COCO_V1
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    _fetch(weights, path.exists())
    return path


def _fetch(weights: Any, was_there: bool) -> None:
    host = weights.url.split("/")[2]
    try:
        weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise NotFetched(
            f"{host} does not answer ({reason}). Download the weights yourself and use the file."
        ) from error
    except OSError as error:
        raise NotFetched(f"There is no place to keep the weights ({error.strerror}). Set TORCH_HOME.") from error
    except Exception as error:  # a damaged file may raise anything
        problem = "in the cache are damaged. Delete them there" if was_there else f"from {host} came damaged. Try again"
        raise NotFetched(f"The weights {problem}, or use a file of your own.") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
