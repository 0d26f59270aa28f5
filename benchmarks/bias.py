"""How long the Bias page takes to redraw after a filter has changed: python -m benchmarks.bias [--tab Overview].

10,000 pictures, 100 classes, 3 attributes. Timed is the page's script: what the server does before the browser gets its
figures. Every round uses a different filter, so that no figure has been computed before.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from statistics import median

import numpy as np
from streamlit.testing.v1 import AppTest

from xai_core.bias.predictions import Predictions

PICTURES, CLASSES = 10_000, 100
VALUES = {"gender": 2, "age": 9, "race": 7}
CONFIDENCES = 0.01
VIEWS = (
    *(("Overview", None), ("Classes", "Metrics"), ("Classes", "Confusion"), ("Classes", "ROC curves")),
    *(("Classes", "Calibration"), ("Groups", None), ("Inside the model", None), ("Download", None)),
)
PATIENCE = 300


def made(seed: int = 0) -> Predictions:
    """Return predictions of a model that is right for six of ten pictures."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, CLASSES, PICTURES)
    logits = random.normal(size=(PICTURES, CLASSES))
    logits[np.arange(PICTURES), truth] += 2.8
    raised = np.exp(1.5 * logits)
    probabilities = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    attributes = {
        name: np.array([f"{name} {value}" for value in random.integers(0, number, PICTURES)])
        for name, number in VALUES.items()
    }
    labels = tuple(f"class {index}" for index in range(CLASSES))
    return Predictions("model", labels, truth, probabilities.argmax(axis=1), probabilities, attributes)


def opened() -> AppTest:
    app = AppTest.from_file(str(Path(__file__).resolve().parents[1] / "app.py"), default_timeout=PATIENCE)
    app.run()
    app.session_state["workspace"].bias.hold(made())
    return app.switch_page("pages/bias.py").run()


def redrawn(app: AppTest, least: float) -> tuple[float, float]:
    """Redraw the page with pictures above a confidence; return elapsed and processor seconds."""
    slider = app.slider(key="bias.confidence").set_value((least, 1.0))
    started, worked = time.perf_counter(), time.process_time()
    slider.run()
    took = time.perf_counter() - started, time.process_time() - worked
    assert not app.exception, app.exception
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bias", description="Time the Bias page.")
    parser.add_argument("--rounds", type=int, default=5, help="filters to try; medians are printed")
    parser.add_argument("--tab", choices=sorted({tab for tab, _ in VIEWS}), help="only this tab; all by default")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    app, least = opened(), 0.0
    print("| tab | drawn after | slowest | of the processor |\n| --- | --- | --- | --- |")
    for tab, view in ((tab, view) for tab, view in VIEWS if chosen.tab in (None, tab)):
        app.session_state["bias.tab"] = tab
        app.run()
        if view is not None:
            app.segmented_control(key="bias.view").set_value(view).run()
        took = []
        for _ in range(chosen.rounds):
            least = round(least + CONFIDENCES, 2)
            took.append(redrawn(app, least))
        walls, works = zip(*took, strict=True)
        cells = [" · ".join(filter(None, (tab, view))), *map(_seconds, (median(walls), max(walls), median(works)))]
        print(f"| {' | '.join(cells)} |", flush=True)


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


if __name__ == "__main__":
    main()
