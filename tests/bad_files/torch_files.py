"""Writes harmful and broken PyTorch files: `python -m tests.bad_files.torch_files FOLDER`."""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pickle
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.testing._private.utils import runstring
from torch import nn
from torch.utils import collect_env
from torchvision.models import resnet18

from tests.bad_files import MARKER, bomb, repacked, touch
from tests.bad_files.torch_scripts import SCRIPTS

EXPRESSION = f"__import__('os').system('{touch('pt2_sympy')}')"


class Call:
    """Becomes a call of a function when it is read from a pickle."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._made = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._made


def opens(name: str) -> str:
    return f"open('{MARKER}{name}', 'w')"


CALLS = {
    "torchzip_evil.pt": Call(os.system, touch("torchzip")),
    "gadget_collect_env.pt": Call(collect_env.run, touch("collect_env")),
    "gadget_timeit.pt": Call(timeit.timeit, opens("timeit"), "pass", timeit.default_timer, 1),
    "gadget_np_runstring.pt": Call(runstring, opens("runstring"), {}),
    "gadget_cprofile.pt": Call(cProfile.run, opens("cprofile")),
}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def write_pickles(folder: Path) -> None:
    """Write files that run something where a pickle is read as such."""
    (folder / "raw_pickle.pt").write_bytes(pickle.dumps(Call(os.system, touch("raw_pickle"))))
    for name, call in CALLS.items():
        torch.save({"w": torch.zeros(2), "x": call}, folder / name)
    legacy = {"w": torch.zeros(2), "x": Call(os.system, touch("torchlegacy"))}
    torch.save(legacy, folder / "torchlegacy_evil.pt", _use_new_zipfile_serialization=False)


def write_checkpoints(folder: Path) -> None:
    """Write what people save in good faith, whole modules and objects among it."""
    module = network()
    weights = module.state_dict()
    torch.save(module, folder / "benign_full_module.pt")
    torch.save(resnet18(), folder / "benign_resnet18_full.pt")
    torch.save(weights, folder / "benign_state_dict.pt")
    torch.save({"epoch": 3, "state_dict": weights, "optimizer": {"lr": 0.1}}, folder / "benign_checkpoint.pt")
    settings = {"args": argparse.Namespace(lr=0.1), "best": np.float64(3)}
    torch.save({"state_dict": weights} | settings, folder / "ckpt_with_namespace.pt")


def write_broken(folder: Path) -> None:
    """Write files that are empty, cut short, something else, or far larger than they look."""
    whole = (folder / "benign_state_dict.pt").read_bytes()
    (folder / "empty.pt").write_bytes(b"")
    (folder / "truncated.pt").write_bytes(whole[: len(whole) // 2])
    (folder / "html_as.pt").write_text("<!doctype html><html><body>The file is too large to be scanned</body></html>")
    torch.save({"fc.weight": torch.zeros(1).expand(200_000, 200_000)}, folder / "shape_bomb_expand.pt")
    bomb(folder / "zip_bomb.pt", "archive/data/9", 1024, folder / "benign_state_dict.pt")


def write_exported(folder: Path) -> None:
    """Write an exported program, and copies of it whose parts run something when it is loaded."""
    benign = folder / "benign.pt2"
    torch.export.save(torch.export.export(network(), (torch.zeros(1, 3, 8, 8),)), benign)
    sample = io.BytesIO()
    torch.save(Call(os.system, touch("pt2_sample")), sample)
    repacked(
        benign, folder / "evil_sample.pt2", lambda name, old: sample.getvalue() if "sample_inputs" in name else old
    )
    repacked(benign, folder / "evil_sympy.pt2", in_graph(with_expression))
    for name, target in (("target", "os.system"), ("fromfile", "torch.ops.aten.from_file.default")):
        repacked(benign, folder / f"evil_{name}.pt2", in_graph(with_target(target)))


def in_graph(change: Callable[[dict[str, Any]], None]) -> Callable[[str, bytes], bytes]:
    """Return what changes the graph among the entries of an exported program."""

    def changed(name: str, content: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return content
        program = json.loads(content)
        change(program["graph_module"]["graph"])
        return json.dumps(program).encode()

    return changed


def with_expression(graph: dict[str, Any]) -> None:
    first = next(iter(graph["tensor_values"].values()))
    first["sizes"][0] = {"as_expr": {"expr_str": EXPRESSION, "hint": None}}


def with_target(target: str) -> Callable[[dict[str, Any]], None]:
    return lambda graph: graph["nodes"][0].update(target=target)


def write_scripts(folder: Path) -> None:
    for name, module in SCRIPTS.items():
        torch.jit.script(module()).save(folder / name)
    torch.jit.script(network()).save(folder / "ts_benign.pt")


def main(folder: Path) -> None:
    for write in (write_pickles, write_checkpoints, write_broken, write_exported, write_scripts):
        write(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
