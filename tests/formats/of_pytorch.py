"""Files of PyTorch, from the weights of the sample network."""

from __future__ import annotations

import argparse
import json
import pathlib
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from tests.formats.asking import CAT, MODELS, most_probable_class
from tests.formats.format import Format, Section, Write

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Weights = dict[str, Tensor]


def weights() -> Weights:
    loaded: Weights = torch.load(MODELS / "mobilenet_v2.pth", weights_only=True)
    return loaded


def network() -> nn.Module:
    module = mobilenet_v2()
    module.load_state_dict(weights())
    return module.eval()


def saved(name: str, content: Callable[[], Any]) -> Write:
    """Return what writes `content` with torch.save."""

    def write(folder: Path) -> Path:
        torch.save(content(), folder / name)
        return folder / name

    return write


def prefixed(prefix: str) -> Weights:
    return {prefix + name: tensor for name, tensor in weights().items()}


def training_checkpoint() -> dict[str, Any]:
    optimizer = torch.optim.SGD(network().parameters(), 0.1).state_dict()
    args = argparse.Namespace(data_path=pathlib.PosixPath("/data"), model="mobilenet_v2", lr=0.1)
    return {"model": weights(), "optimizer": optimizer, "epoch": 3, "args": args}


def lightning() -> dict[str, Any]:
    return {"state_dict": prefixed("model."), "hyper_parameters": {"lr": 0.1}, "pytorch-lightning_version": "2.5"}


def averaged() -> dict[str, Any]:
    """Return what the training script of timm saves."""
    training = {"epoch": 9, "arch": "mobilenet_v2", "version": 2, "metric": 71.9, "optimizer": {"state": {}}}
    args = argparse.Namespace(model="mobilenet_v2", model_ema_decay=0.9998)
    return training | {"args": args, "state_dict": weights(), "state_dict_ema": weights()}


def normalised_in_front() -> Weights:
    constants = {"0.mean": torch.tensor(MEAN).view(3, 1, 1), "0.std": torch.tensor(STD).view(3, 1, 1)}
    return constants | prefixed("1.")


def safetensors(folder: Path) -> Path:
    save_file(weights(), folder / "model.safetensors")
    return folder / "model.safetensors"


def timm_folder(folder: Path) -> Path:
    module = timm.create_model("mobilenetv2_100")
    module.load_state_dict(dict(zip(module.state_dict(), weights().values(), strict=True)))
    place = folder / "timm"
    place.mkdir()
    save_file(module.state_dict(), place / "model.safetensors")
    config = {"architecture": "mobilenetv2_100", "num_classes": 1000}
    (place / "config.json").write_text(json.dumps(config), "utf-8")
    return place


def traced(build: Callable[[], nn.Module]) -> Write:
    """Return what writes a network as TorchScript."""

    def write(folder: Path) -> Path:
        with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated, and what many people have
            torch.jit.trace(build().eval(), torch.rand(1, 3, 224, 224)).save(folder / "script.pt")
        return folder / "script.pt"

    return write


class FeaturesToo(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.network = network()

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        features = self.network.features(pictures).mean((2, 3))  # type: ignore[operator]
        return features, self.network.classifier(features)  # type: ignore[operator]


def exported(folder: Path) -> Path:
    torch.export.save(torch.export.export(network(), (torch.rand(1, 3, 224, 224),)), folder / "model.pt2")
    return folder / "model.pt2"


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 5, 3)
        self.answer = nn.Linear(5, 2)


def executable(folder: Path) -> Path:
    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return (print, ("this would run",))

    torch.save({"state_dict": weights(), "extra": Harmful()}, folder / "harmful.pt")
    return folder / "harmful.pt"


def packed(write: Write) -> Write:
    """Return what puts the written folder into a zip file."""

    def write_zip(folder: Path) -> Path:
        place = write(folder)
        with zipfile.ZipFile(folder / "model.zip", "w") as archive:
            for file in place.iterdir():
                archive.write(file, file.name)
        return folder / "model.zip"

    return write_zip


EXPORT = "Export TorchScript or ONNX; the message has the line to copy."
PYTORCH = Section(
    "PyTorch",
    most_probable_class,
    (
        Format(
            "State dict (.pth, .pt, .bin) of any network of torchvision or timm", saved("w.pth", weights), answer=CAT
        ),
        Format("safetensors", safetensors, answer=CAT),
        Format("Training checkpoint: model, optimizer, arguments", saved("c.pth", training_checkpoint), answer=CAT),
        Format("Checkpoint of Lightning (.ckpt)", saved("c.ckpt", lightning), answer=CAT),
        Format(
            "Weights behind prefixes: `module.`, `_orig_mod.`, `net.` and any other",
            saved("p.pth", lambda: prefixed("module._orig_mod.net.")),
            answer=CAT,
        ),
        Format(
            "Weights with an averaged copy (EMA, SWA)",
            saved("e.pth", averaged),
            answer=CAT,
            remedy="Choose the copy on the Model page.",
        ),
        Format(
            "Weights with a Normalize layer in front",
            saved("n.pth", normalised_in_front),
            answer=CAT,
            remedy="Its mean and standard deviation become the preprocessing.",
        ),
        Format(
            "Whole module, `torch.save(model, …)`",
            saved("m.pth", network),
            answer=CAT,
            remedy="It is read as data; its code does not run.",
        ),
        Format("Whole DataParallel module", saved("d.pth", lambda: nn.DataParallel(network())), answer=CAT),
        Format("Folder or zip of timm: config.json and weights", packed(timm_folder), answer=CAT),
        Format("TorchScript", traced(network), answer=CAT),
        Format(
            "TorchScript with several outputs",
            traced(FeaturesToo),
            "asks",
            "Choose one",
            "Choose an output; each is shown with what it predicts.",
            CAT,
            {"output": "1"},
        ),
        Format(
            "Program of `torch.export` (.pt2)",
            exported,
            "refused",
            "PyTorch .pt2 files can run code when opened.",
            EXPORT,
        ),
        Format(
            "State dict of a network of your own",
            saved("own.pth", lambda: Own().state_dict()),
            "refused",
            "These weights match no network of torchvision or timm",
            f"Upload the model.py that defines it beside the weights. Or {EXPORT[0].lower()}{EXPORT[1:]}",
        ),
        Format(
            "Pickle with a call to a function",
            executable,
            "refused",
            "This file is a Python pickle that needs to run: builtins.print.",
            "Save the state dict alone.",
        ),
    ),
)
