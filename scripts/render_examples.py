"""Draw an example of each method: the sample PyTorch model asked about the cat, one small picture a method.

Draws what is missing; `--all` draws everything anew. What the sample model can not be asked is written down with the
reason.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vitrine_cli.progress import follow, tell
from xai_core import asking, methods  # noqa: F401  (registers them)
from xai_core.filters.clip import PercentileClip
from xai_core.guide import EXAMPLES, WITHOUT_EXAMPLE, in_order, reason_against
from xai_core.jobs.local import LocalRunner
from xai_core.method import Method
from xai_core.picture_files import Picture
from xai_core.pictures import Look, overlay
from xai_core.preparation import Prepared, prepare
from xai_core.samples import references, sample_models

SIDE, MOST_BYTES = 192, 12 << 10
FEWER = {"samples": 500, "steps": 30, "stride": 16, "channels": 64, "permutations": 8, "rows": 8}


def main() -> int:
    """Draw the examples; return the exit code."""
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    runner = LocalRunner()
    try:
        _draw_all(runner)
    finally:
        runner.close()
    return 0


def encoded(picture: Image.Image) -> bytes:
    """Return a picture as WebP, of as good a quality as fits into 12 KiB."""
    for quality in range(85, 0, -5):
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MOST_BYTES:
            break
    return buffer.getvalue()


def quick(method: type[Method]) -> dict[str, Any]:
    """Return values for a method's parameters that make it quick, where the default is not."""
    fewer = {p.name: p for p in method.params if p.name in FEWER and p.range and p.default > FEWER[p.name]}
    return {name: max(FEWER[name], p.kind(p.range.low)) for name, p in fewer.items() if p.range}


def _draw_all(runner: LocalRunner) -> None:
    cat = references()[0].picture()
    source = next(sample for sample in sample_models() if sample.framework == "PyTorch").source()
    found = prepare(runner, source, [cat], references(), tell)
    reasons = {one.id: reason_against(one, found.card) for one in in_order()}
    without = {id: f"{reason.split('. ')[0].rstrip('.')}." for id, reason in sorted(reasons.items()) if reason}
    (EXAMPLES / WITHOUT_EXAMPLE).write_text(json.dumps(without, indent=2) + "\n", "utf-8")
    for path in EXAMPLES.glob("*.webp"):
        if path.stem not in reasons or path.stem in without or "--all" in sys.argv:
            path.unlink()
    for one in in_order():
        if one.id not in without and not (path := EXAMPLES / f"{one.id}.webp").exists():
            _draw(runner, found, cat, one, path)


def _draw(runner: LocalRunner, found: Prepared, cat: Picture, chosen: type[Method], path: Path) -> None:
    way = found.preprocessing
    image = way.place(cat.pixels)
    row = asking.probabilities(runner, found.source, way, [image], follow)[0]
    method = chosen.suited(found.card, (way.height, way.width), quick(chosen))
    job = runner.explain(found.source, way, method, image, np.array([row.argmax()], np.int64))
    map = PercentileClip(percentile=95.0).apply(follow(job).maps)[0]
    drawn = Image.fromarray(overlay(way.view(cat.pixels), map, Look()))
    path.write_bytes(encoded(drawn.resize((SIDE, SIDE), Image.Resampling.LANCZOS)))
    print(f"{chosen.title}: {job.state.seconds:.1f} s, {path.stat().st_size / 1024:.1f} KiB")


if __name__ == "__main__":
    sys.exit(main())
