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


STAGE = {"width": 400, "height": 300}
HEIGHT = 22


def box(left: float, top: float, right: float, bottom: float, chosen: bool = False) -> dict[str, object]:
    sides = {"left": left, "top": top, "right": right, "bottom": bottom}
    return sides | {"full": 100, "number": 24, "chosen": chosen}


def tags(code: Page, *boxes: dict[str, object]) -> list[dict]:
    return code.evaluate("(given) => boxes.placedTags(...given)", [boxes, HEIGHT, STAGE])


def overlap(one: dict, other: dict) -> bool:
    across = one["left"] < other["right"] and other["left"] < one["right"]
    return across and one["top"] < other["bottom"] and other["top"] < one["bottom"]


def test_a_tag_lies_above_its_box(code: Page) -> None:
    (tag,) = tags(code, box(100, 100, 250, 200))
    assert (tag["shown"], tag["at"]["left"], tag["at"]["bottom"]) == ("full", 100, 100)


def test_tags_of_boxes_over_one_another_do_not_overlap(code: Page) -> None:
    found = tags(code, *(box(100 + 4 * n, 100 + 3 * n, 250, 200) for n in range(5)))
    places = [tag["at"] for tag in found if tag["shown"] != "none"]
    assert len(places) == 5
    assert not any(overlap(one, other) for n, one in enumerate(places) for other in places[:n])


def test_tags_stay_within_the_stage(code: Page) -> None:
    found = tags(code, box(0, 0, 30, 30), box(380, 0, 400, 300), box(-50, 280, 20, 300))
    assert all(tag["at"]["left"] >= 0 and tag["at"]["right"] <= 400 for tag in found)
    assert all(tag["at"]["top"] >= 0 and tag["at"]["bottom"] <= 300 for tag in found)


def test_a_tag_without_room_gives_way_to_its_number(code: Page) -> None:
    alike = [box(150, 140, 160, 150) for _ in range(2)]
    *_, last = tags(code, *alike, box(270, 140, 280, 150) | {"full": 400})
    assert (last["shown"], last["at"]["left"], last["at"]["right"]) == ("number", 270, 294)


def test_a_chosen_box_has_its_full_tag_whatever_lies_there(code: Page) -> None:
    alike = [box(150, 140, 160, 150, chosen=n == 8) for n in range(9)]
    last = tags(code, *alike)[-1]
    assert (last["shown"], last["at"]["left"], last["at"]["bottom"]) == ("full", 150, 140)


def test_a_box_outside_a_zoomed_stage_has_no_tag(code: Page) -> None:
    (tag,) = tags(code, box(-90, -90, -10, -10))
    assert tag["shown"] == "none"
