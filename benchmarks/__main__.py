"""Print the tables of docs/benchmarks.md: python -m benchmarks [--rounds 5] [--masks 400] [--networks A] [--only B]."""

from __future__ import annotations

import argparse
import glob
import json
import os
import subprocess
import sys

from benchmarks.rounds import CLOCK

FEW, MANY = 1000, 20000
NETWORKS = ("MobileNetV2", "ResNet-50")
PARTS = ("xplique", "captum", "grad-cam", "detection", "worker", "memory")
HEADS = ["work", "network", "precision", "Vitrine", "peer", "peer / Vitrine", "bare passes", "of our time", "note"]


def answer(module: str, *arguments: object) -> str:
    """Run a module in its own process, as frameworks cannot share one; return the last line it prints."""
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{module}", *map(str, arguments)]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=quiet)
    return ran.stdout.strip().splitlines()[-1]


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Describe this machine in general terms."""
    with open("/proc/cpuinfo") as file:
        flags = next((set(line.split()) for line in file if line.startswith("flags")), set())
    known = (("AVX-512", "avx512f"), ("bfloat16", "avx512_bf16"), ("AMX", "amx_bf16"))
    cores = len(os.sched_getaffinity(0))
    gpu = "a GPU" if glob.glob("/dev/nvidia[0-9]*") else "no GPU"
    return ", ".join([f"{cores} cores", *(name for name, flag in known if flag in flags), gpu])


def rows_of(part: str, networks: list[str], rounds: int, masks: int) -> list[dict]:
    if part == "xplique":
        commands = [("beside_xplique", rounds, masks)]
        commands += [("beside_xplique_wrapper", name, rounds, masks) for name in networks]
    elif part == "captum":
        commands = [("beside_captum", name, rounds, masks) for name in networks]
    elif part == "detection":
        commands = [("detection", rounds)]
    elif part == "grad-cam":
        commands = [("beside_grad_cam", name, rounds) for name in networks]
    else:
        commands = [("worker_overhead", name, rounds, masks) for name in networks]
    return [row for command in commands for row in json.loads(answer(*command))]


def line(row: dict) -> list[str]:
    times = [f"{row['theirs']:.2f} s ({row['peer']})", f"{row['ratio']:.2f}", f"{row['floor']:.2f} s"]
    ours = [row["work"], row["network"], row["precision"], f"{row['ours']:.2f} s"]
    return [*ours, *times, f"{row['share']:.0%}", row["note"]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time Vitrine beside other libraries.")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds; medians are printed")
    parser.add_argument("--masks", type=int, default=400, help="RISE masks and KernelSHAP samples per round")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NAME")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="measure processor time of all threads instead of elapsed time, for a busy machine",
    )
    chosen = parser.parse_args()
    if chosen.processor_time:
        os.environ[CLOCK] = "yes"  # the processes inherit it
    timed = [part for part in chosen.only if part != "memory"]
    rows = [line(row) for part in timed for row in rows_of(part, chosen.networks, chosen.rounds, chosen.masks)]
    print(f"{machine()}; medians of {chosen.rounds} rounds\n")
    print(table(HEADS, rows))
    if "memory" in chosen.only:
        peaks = [[f"RISE, {n} masks", f"{float(answer('rise_memory', n)):.0f} MiB"] for n in (FEW, MANY)]
        print("\n" + table(["work", "peak memory of the process"], peaks))


if __name__ == "__main__":
    main()
