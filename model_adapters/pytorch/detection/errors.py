"""Put errors that PyTorch raises inside a detector into words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from model_adapters.common.probes import ran_out
from model_adapters.pytorch.answers import FILES, uses_files
from xai_core.errors import ModelError, RefusedModel, VitrineError, is_of_memory
from xai_core.types import Floats


@contextmanager
def errors_in_words(images: Floats) -> Iterator[None]:
    """Turn errors that a detector raises on images (N, H, W, 3) into a sentence."""
    try:
        yield
    except VitrineError:
        raise
    except (
        RuntimeError,
        torch.jit.Error,
        ValueError,
        LookupError,
        TypeError,
        ArithmeticError,
        AssertionError,
        MemoryError,
    ) as error:
        raise _in_words(error, images) from error


def _in_words(error: Exception, images: Floats) -> VitrineError:
    if uses_files(error):
        return RefusedModel(FILES)
    if is_of_memory(error):
        return ran_out(len(images))
    height, width, *channels = images.shape[1:]
    return ModelError(
        f"The detector does not take a picture of {width}x{height} pixels with {channels[0] if channels else 1} "
        "channels. Choose a larger picture in colour, or one that is not as narrow."
    )
