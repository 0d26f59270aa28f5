"""Which box is meant, and which ones are chosen, as the browser works it out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

INNER = {"number": 2, "left": 0.4, "top": 0.4, "right": 0.6, "bottom": 0.6}
OUTER = {"number": 1, "left": 0.1, "top": 0.1, "right": 0.9, "bottom": 0.9}


def box_at(code: Page, x: float, y: float, slack: float = 0) -> int | None:
    return code.evaluate(
        "([list, x, y, slack]) => boxes.boxAt(list, { x, y }, slack)?.number ?? null", [[OUTER, INNER], x, y, slack]
    )


def test_of_boxes_one_inside_another_the_smallest_is_meant(code: Page) -> None:
    assert (box_at(code, 0.5, 0.5), box_at(code, 0.2, 0.2)) == (2, 1)


def test_beside_all_boxes_none_is_meant_unless_it_is_near(code: Page) -> None:
    assert (box_at(code, 0.95, 0.5), box_at(code, 0.95, 0.5, 0.1)) == (None, 1)


@pytest.mark.parametrize(
    ("chosen", "number", "beside", "expected"),
    [
        ([], 3, False, [3]),
        ([1, 2], 3, False, [3]),
        ([3], 3, False, []),
        ([1, 3], 3, False, [3]),
        ([1], 3, True, [1, 3]),
        ([1, 3], 3, True, [1]),
        ([1, 2], 3, True, [2, 3]),
    ],
    ids=[
        "the first",
        "another in the place of all",
        "the same again lets go",
        "one of several stays alone",
        "one more",
        "one less",
        "the oldest goes beyond the most",
    ],
)
def test_a_choice_replaces_adds_and_lets_go(
    code: Page, chosen: list[int], number: int, beside: bool, expected: list[int]
) -> None:
    assert code.evaluate("(given) => boxes.chosenWith(...given)", [chosen, number, beside, 2]) == expected


@pytest.mark.parametrize(
    ("key", "expected"), [("ArrowRight", 0), ("ArrowUp", 1), ("Home", 0), ("End", 2), ("a", None)], ids=str
)
def test_arrow_keys_go_round(code: Page, key: str, expected: int | None) -> None:
    assert code.evaluate("(key) => boxes.stepped(2, 3, key)", key) == expected


def test_tags_give_way_as_boxes_crowd(code: Page) -> None:
    area = 400 * 300
    assert [code.evaluate("(given) => boxes.tagsFor(...given)", [n, area]) for n in (5, 30, 100)] == [
        "full",
        "number",
        "none",
    ]
