"""Trains the networks and writes them to a folder: `python -m tests.small_models.build FOLDER`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests.small_models.digits import LEAST_ACCURACY, Digits, coloured_digits, grey_digits
from tests.small_models.networks import MEAN, STD, Cnn, accuracy, around_zero, normalised, train, vision_transformer

CNN_RATE, VIT_RATE = 1e-2, 4e-3


def main(folder: Path) -> None:
    torch.manual_seed(0)
    cnn = trained(Cnn(), normalised, coloured_digits(), CNN_RATE)
    torch.save(cnn.state_dict(), folder / "cnn.pth")
    torch.jit.script(cnn).save(folder / "cnn.pt")
    free = {
        "input_names": ["input"],
        "output_names": ["logits"],
        "dynamic_axes": {"input": {0: "N"}, "logits": {0: "N"}},
    }
    torch.onnx.export(cnn, (torch.zeros(1, 3, 32, 32),), folder / "cnn.onnx", dynamo=False, opset_version=17, **free)
    save_keras_twin(cnn, folder / "weights.npz")
    vit = trained(vision_transformer(), around_zero, grey_digits(), VIT_RATE)
    torch.save(vit.state_dict(), folder / "vit.pth")


def trained(
    network: nn.Module, prepared: Callable[[np.ndarray], torch.Tensor], digits: Digits, rate: float
) -> nn.Module:
    """Return the trained network; RuntimeError where it has not learnt to tell digits."""
    train(network, prepared(digits.train.pictures), digits.train.classes, rate)
    share = accuracy(network, prepared(digits.held_out.pictures), digits.held_out.classes)
    print(f"{type(network).__name__} names {share:.1%} of the held-out digits")
    if share < LEAST_ACCURACY:
        raise RuntimeError(f"{type(network).__name__} names {share:.1%} of the held-out digits; it has not learnt.")
    return network


def save_keras_twin(cnn: nn.Module, weights: Path) -> None:
    arrays = {name: tensor.numpy() for name, tensor in cnn.state_dict().items()}
    np.savez(weights, mean=np.float32(MEAN), std=np.float32(STD), **arrays)
    subprocess.run([sys.executable, "-B", str(Path(__file__).with_name("keras_twin.py")), str(weights)], check=True)
    weights.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
