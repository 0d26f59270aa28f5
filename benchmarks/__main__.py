"""Print the tables of docs/benchmarks.md: python -m benchmarks [--rounds 5] [--masks 400]."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

FEW, MANY = 1000, 20000


def answer(module: str, *arguments: int) -> str:
    """Run a module in a process of its own, as frameworks share none; return the last line that it prints."""
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{module}", *map(str, arguments)]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=quiet)
    return ran.stdout.strip().splitlines()[-1]


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def duel_rows(duels: list[dict]) -> list[list[str]]:
    return [[d["work"], f"{d['ours']:.2f} s", f"{d['theirs']:.2f} s ({d['peer']})", f"{d['ratio']:.2f}"] for d in duels]


def pace_rows(paces: list[dict]) -> list[list[str]]:
    return [
        [
            p["work"],
            f"{p['first']:.2f} s",
            f"{p['rate']:.1f}" if p["rate"] == p["rate"] else "one map",
            f"{p['overhead']:.1%}",
        ]
        for p in paces
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time Vitrine beside other libraries.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count; medians are printed")
    parser.add_argument("--masks", type=int, default=400, help="RISE masks a round")
    chosen = parser.parse_args()
    torch_side = json.loads(answer("beside_captum", chosen.rounds))
    keras_side = json.loads(answer("beside_xplique", chosen.rounds, chosen.masks))
    print(table(["work", "Vitrine", "peer", "peer / Vitrine"], duel_rows(torch_side["duels"] + keras_side["duels"])))
    print()
    heads = ["method, defaults, PyTorch", "first preview", "previews a second", "time outside the network"]
    print(table(heads, pace_rows(torch_side["paces"])))
    print()
    peaks = [[f"RISE, {n} masks", f"{float(answer('rise_memory', n)):.0f} MiB"] for n in (FEW, MANY)]
    print(table(["work", "peak memory of the process"], peaks))


if __name__ == "__main__":
    main()
