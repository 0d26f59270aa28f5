"""What PyTorch raises inside a detector becomes a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_adapters.pytorch.detection.errors import errors_in_words
from xai_core.errors import ModelError, OutOfMemory, UnsupportedModel

IMAGES = np.zeros((3, 20, 30, 3), np.float32)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        RuntimeError("could not create a primitive"),
    ],
)
def test_memory_that_ran_out_is_told_with_the_number_of_pictures(error):
    with pytest.raises(OutOfMemory, match="ran out of memory on 3 pictures"), errors_in_words(IMAGES):
        raise error


def test_any_other_error_is_put_down_to_the_picture():
    with (
        pytest.raises(ModelError, match="does not take a picture of 30x20 pixels with 3 channels"),
        errors_in_words(IMAGES),
    ):
        raise RuntimeError("Kernel size can't be greater than actual input size")


def test_a_sentence_stays_as_it_is():
    with pytest.raises(UnsupportedModel, match=r"^No\.$"), errors_in_words(IMAGES):
        raise UnsupportedModel("No.")
