"""Write six held-out example scenes with their true boxes: `python -m samples.digits.examples [--mnist FILE]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from samples.digits import mnist
from samples.digits.evaluate import HELD_OUT_SEED
from samples.digits.mnist import Glyphs
from samples.digits.network import NAMES
from samples.digits.scenes import Scene, make_scene

HERE = Path(__file__).resolve().parent
COUNTS = (2, 2, 1, 3, 4, 5)  # digits in each scene; two scenes have two, to see whether a map separates them
SHOWN = (2, 1, 3, 4, 5, 6)  # in this order; the detector finds exactly the true boxes of the first, which it opens with


def main() -> int:
    """Write scene_1.png to scene_6.png and scenes.json."""
    parser = argparse.ArgumentParser(description="Write six held-out scenes with their true boxes.")
    parser.add_argument("--mnist", type=Path, help="npz with x_train, y_train, x_test, y_test; default: from npm")
    parser.add_argument("--folder", type=Path, default=HERE)
    chosen = parser.parse_args()
    scenes = first_with(COUNTS, mnist.load(chosen.mnist).test)
    for number, scene in enumerate(scenes, 1):
        Image.fromarray(scene.pixels).save(chosen.folder / f"scene_{number}.png", optimize=True)
    entries = [described(scenes[number - 1], f"scene_{number}.png") for number in SHOWN]
    (chosen.folder / "scenes.json").write_text(json.dumps(entries, indent=1) + "\n", "utf-8")
    return 0


def first_with(counts: tuple[int, ...], glyphs: Glyphs) -> list[Scene]:
    """Return, for each count, the first unused held-out scene with that many digits."""
    scenes: list[Scene] = []
    taken: set[int] = set()
    for count in counts:
        index = 0
        while index in taken or len((scene := make_scene(glyphs, HELD_OUT_SEED, index)).labels) != count:
            index += 1
        taken.add(index)
        scenes.append(scene)
    return scenes


def described(scene: Scene, file: str) -> dict[str, Any]:
    """Return the entry of a scene in scenes.json."""
    pairs = zip(scene.boxes.tolist(), scene.labels.tolist(), strict=True)
    boxes = [{"corners": corners, "label": NAMES[label]} for corners, label in pairs]
    return {"title": f"Digits {', '.join(box['label'] for box in boxes)}", "file": file, "boxes": boxes}


if __name__ == "__main__":
    sys.exit(main())
