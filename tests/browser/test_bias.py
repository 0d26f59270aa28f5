"""From a table of predictions to groups and to the pictures of a cell, in a real browser."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from tests.browser import person
from tests.browser_session import wait_until_quiet

ACTUAL, TAKEN_FOR = "20-29", "30-39"


def made_table(faces: Path, to: Path) -> list[dict[str, str]]:
    """Write predictions of the age of real faces, worse for women, and return the rows."""
    random = np.random.default_rng(0)
    with faces.open() as file:
        rows = list(csv.DictReader(file))
    ages = sorted({row["age"] for row in rows})
    for row in rows:
        logits = random.normal(size=len(ages))
        logits[ages.index(row["age"])] += 1 if row["gender"] == "Female" else 3
        shares = np.exp(logits) / np.exp(logits).sum()
        row["y_true"], row["y_pred"] = row.pop("age"), ages[int(shares.argmax())]
        row |= {f"prob_{age}": f"{share:.6f}" for age, share in zip(ages, shares, strict=True)}
    with to.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return rows


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    wait_until_quiet(page)


def click_cell(page: Page, row: int, column: int, classes: int) -> None:
    """Click near the upper left corner of a cell of the matrix, whose rows and columns count from 0."""
    size = page.locator(".st-key-bias-matrix .nsewdrag").bounding_box()
    assert size
    page.mouse.click(
        size["x"] + size["width"] * (column + 0.2) / classes, size["y"] + size["height"] * (row + 0.2) / classes
    )
    wait_until_quiet(page)


def test_from_a_table_to_groups_and_to_the_pictures_of_a_cell_that_is_clicked(
    page: Page, app: str, assets: Path, tmp_path: Path
) -> None:
    rows = made_table(assets / "datasets/fairface/labels.csv", tmp_path / "faces.csv")
    person.start(page, f"{app}/bias")
    page.locator('[class*="st-key-predictions-"] input[type=file]').set_input_files(tmp_path / "faces.csv")
    expect(page.get_by_text("900 pictures, 9 classes")).to_be_visible(timeout=person.LOADING)

    open_tab(page, "Groups")
    expect(page.get_by_text(re.compile("Rates of .* by gender"))).to_be_visible()
    expect(page.get_by_role("rowheader", name="Equal opportunity difference")).to_be_visible()

    open_tab(page, "Classes")
    page.get_by_text("Confusion", exact=True).click()
    wait_until_quiet(page)
    ages = sorted({row["y_true"] for row in rows})
    click_cell(page, ages.index(ACTUAL), ages.index(TAKEN_FOR), len(ages))
    number = sum(row["y_true"] == ACTUAL and row["y_pred"] == TAKEN_FOR for row in rows)
    expect(page.get_by_text(f"{number} pictures.", exact=True)).to_be_visible()
