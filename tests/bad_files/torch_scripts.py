"""Modules that do harm, or never end, when they run as TorchScript."""

from __future__ import annotations

import torch
from torch import nn


class SavesAFile(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "/tmp/vitrine-marker-ts_save")
        return x.mean((2, 3))


class MapsAFile(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.from_file("/tmp/vitrine-marker-ts_file", shared=True, size=16, dtype=torch.uint8).fill_(65)
        return x.mean((2, 3))


class WritesOnLoading(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.number = 1

    @torch.jit.export
    def __getstate__(self) -> tuple[int, bool]:
        return self.number, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        self.number, self.training = state
        torch.from_file("/tmp/vitrine-marker-ts_state", shared=True, size=16, dtype=torch.uint8).fill_(66)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class ReadsPasswords(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_file("/etc/passwd", shared=False, size=64, dtype=torch.uint8).float().reshape(1, -1)


class NeverEnds(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        step = 0
        while step >= 0:
            step = step + 1 - 1
        return x.mean((2, 3))


class TakesAllMemory(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept: list[torch.Tensor] = []
        for number in range(100000):
            kept.append(torch.ones(256, 1024, 1024) * float(number))
        return kept[0]


class AnswersNoNumbers(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) * float("nan")


SCRIPTS = {
    "ts_forward_save.pt": SavesAFile,
    "ts_forward_fromfile.pt": MapsAFile,
    "ts_setstate_write.pt": WritesOnLoading,
    "ts_read_passwd.pt": ReadsPasswords,
    "ts_infinite.pt": NeverEnds,
    "ts_memory.pt": TakesAllMemory,
    "ts_nan.pt": AnswersNoNumbers,
}
