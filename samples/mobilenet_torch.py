"""MobileNetV2 with torchvision's weights: arrays for other frameworks, an ONNX graph, and the probabilities of both."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torchvision

OPSET = 17  # the newest opset that onnx2torch supports completely


def main(work: Path) -> None:
    """Read mobilenet_v2.pth and inputs.npy (N, 224, 224, 3) in a folder; write the results beside them."""
    network = torchvision.models.mobilenet_v2()
    weights = torch.load(work / "mobilenet_v2.pth", weights_only=True, map_location="cpu")
    network.load_state_dict(weights)
    network.eval()
    np.savez(work / "weights.npz", **{name: tensor.numpy() for name, tensor in weights.items()})
    inputs = torch.from_numpy(np.load(work / "inputs.npy").transpose(0, 3, 1, 2).copy())
    with torch.inference_mode():
        np.save(work / "torch.npy", network(inputs).softmax(1).numpy())
    export(network, work / "mobilenet_v2.onnx")
    session = onnxruntime.InferenceSession(work / "mobilenet_v2.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input": inputs.numpy()})
    np.save(work / "onnx.npy", torch.from_numpy(logits).softmax(1).numpy())


def export(network: torch.nn.Module, path: Path) -> None:
    """Write an ONNX graph with a free batch size; this exporter needs no package but torch."""
    free_batch = {0: "N"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 224, 224),),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["logits"],
            dynamic_axes={"input": free_batch, "logits": free_batch},
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
