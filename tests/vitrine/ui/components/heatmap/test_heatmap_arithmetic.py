"""Where rows and cells lie, and which is meant, as the browser works it out."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.xai_core.training.histories import history_of
from vitrine.ui.components.heatmap.payload import pack
from xai_core.training.measures import epoch_measures, instance_measures


def run(code: Page, script: str, *given: object) -> object:
    return code.evaluate(f"(given) => {{ const h = window.heatmap; {script} }}", list(given))


def lines(code: Page, scrolled: float, height: float, row_height: float, rows: int) -> dict:
    return run(code, "return h.linesFor(...given)", scrolled, height, row_height, rows)


def test_rows_fit_the_height_but_are_never_taller_than_need_be(code: Page) -> None:
    assert run(code, "return [600, 10000, 3].map((rows) => h.fittingHeight(rows, 600))") == [1, 0.06, 28]


def test_columns_bars_and_curves_share_the_width(code: Page) -> None:
    layout = run(code, "return h.layoutOf(900, 20, 3)")
    assert layout["right"] == round(layout["left"] + 20 * layout["cell"])
    assert layout["right"] < layout["bars"][0]
    assert layout["bars"][2] + layout["barWidth"] <= 900


def test_high_rows_are_drawn_once_each_from_the_one_that_is_cut(code: Page) -> None:
    found = lines(code, 25, 100, 20, 1000)
    assert found == {"shown": [1, 2, 3, 4, 5, 6], "top": -5, "lineHeight": 20}


def test_rows_lower_than_a_pixel_give_a_line_a_pixel_evenly(code: Page) -> None:
    found = lines(code, 0, 600, 0.06, 10000)
    steps = np.diff(found["shown"])
    assert len(found["shown"]) == 600
    assert (steps.min(), steps.max(), found["shown"][-1] < 10000) == (16, 17, True)


@pytest.mark.parametrize("row_height", [20, 0.5])
def test_the_cell_under_a_point_is_the_one_that_is_drawn_there(code: Page, row_height: float) -> None:
    script = """
      const layout = h.layoutOf(900, 10, 3), lines = h.linesFor(40, 400, given[0], 1000);
      const x = layout.left + 3.5 * layout.cell;
      return [h.cellAt({ x, y: 110 }, layout, lines, 10), h.cellAt({ x: 3, y: 110 }, layout, lines, 10)];
    """
    row = int((40 + 110 + (0.5 if row_height < 1 else 0)) / row_height)
    assert run(code, script, row_height) == [{"row": row, "epoch": 3}, {"row": row, "epoch": None}]


def test_below_the_last_row_there_is_none(code: Page) -> None:
    script = "const l = h.layoutOf(900, 10, 3); return h.cellAt({ x: 300, y: 90 }, l, h.linesFor(0, 90, 28, 3), 10)"
    assert run(code, script) is None


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("ArrowDown", [5, 2]),
        ("ArrowLeft", [4, 1]),
        ("PageUp", [0, 2]),
        ("PageDown", [9, 2]),
        ("Home", [0, 2]),
        ("End", [9, 2]),
        ("a", None),
    ],
)
def test_keys_move_within_the_rows(code: Page, key: str, expected: list[int] | None) -> None:
    script = "const c = h.steppedCell({ row: 4, epoch: 2 }, given[0], 10, 3, 8); return c && [c.row, c.epoch]"
    assert run(code, script, key) == expected


def test_a_chosen_row_between_two_lines_is_outlined_on_the_next(code: Page) -> None:
    assert run(code, "return [17, 3, 99].map((row) => h.nearestLine([10, 15, 20], row))") == [2, None, None]


def test_losses_start_at_zero_and_accuracies_go_from_zero_to_one(code: Page) -> None:
    script = "return given.map(([strip, values]) => h.scaleOf([{ strip, values }]))"
    found = run(code, script, ["loss", [2.0, None, 0.5]], ["accuracy", [0.4, 0.6]], ["lr", [3, 3]], ["lr", [None]])
    assert found == [[0, 2.0], [0, 1], [3, 4], [0, 1]]


def test_as_many_epochs_are_named_as_have_room(code: Page) -> None:
    script = "return h.namedEpochs(Array.from({ length: 100 }, (_, n) => `${n}`), 6, 14).map(({ at }) => at)"
    assert run(code, script) == list(range(0, 100, 4))


def test_what_python_sends_is_read_as_it_was_meant(code: Page) -> None:
    history = history_of([[0, 299], [-1, 7]], [299, -1], classes=300)
    measures, by_epoch = instance_measures(history), epoch_measures(history)
    data = pack(history, np.array([1, 0]), measures, by_epoch, None, chosen=None, turn=0)
    script = """
      const found = h.unpackedRows(Uint8Array.from(atob(given[0]), (c) => c.charCodeAt(0)));
      return [found.predictions, found.actual, found.numbers].map((values) => Array.from(values));
    """
    assert run(code, script, base64.b64encode(data).decode()) == [[65535, 7, 0, 299], [65535, 299], [1, 0]]


def test_how_sure_the_network_was_is_said_of_each_cell_where_it_is_known(code: Page) -> None:
    history = history_of([[0, 1], [1, 1]], [0, 1], confidence=np.array([[0.5, np.nan], [1, 0.25]], np.float32))
    data = pack(history, np.array([1, 0]), instance_measures(history), epoch_measures(history), None, None, 0)
    script = """
      const found = h.unpackedRows(Uint8Array.from(atob(given[0]), (c) => c.charCodeAt(0)));
      return [[0, 1], [1, 0], [1, 1]].map(([row, epoch]) => h.spokenCell(found, { row, epoch }));
    """
    assert run(code, script, base64.b64encode(data).decode()) == [
        "picture 1, epoch 1: predicted class 1 (0.25), true class 1",
        "picture 0, epoch 0: predicted class 0 (0.50), true class 0",
        "picture 0, epoch 1: predicted class 1, true class 0",
    ]
