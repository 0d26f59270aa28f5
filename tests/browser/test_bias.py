"""From a model and labelled faces to groups, the pictures of a cell and downloads, in a real browser."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from scipy.stats import binomtest

from tests.browser import person
from tests.browser_session import wait_until_quiet
from tests.face_classifier import CLASSES, FaceClassifier, face_classifier

ROUNDED_ALIKE = ("summary", "classes", "confusion", "groups")  # no single picture at a limit changes them much
COMMAND = "import sys; from vitrine.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="session")
def faces(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> FaceClassifier:
    return face_classifier(assets / "datasets/fairface", tmp_path_factory.mktemp("faces") / "faces.pth")


def as_table(faces: FaceClassifier, to: Path) -> Path:
    """Write the model's predictions as a table."""
    columns = [f"prob_{label}" for label in CLASSES]
    with to.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "y_true", "race", "age", *columns])
        for row, shares in zip(faces.rows, faces.probabilities.tolist(), strict=True):
            writer.writerow([row["file"], row["gender"], row["race"], row["age"], *shares])
    return to


def as_pictures(faces: FaceClassifier, to: Path) -> Path:
    """Write the faces as a zip with a list of labels."""
    listed = [f"{row['file']},{row['gender']},{row['race']},{row['age']}\n" for row in faces.rows]
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("labels.csv", "file,label,race,age\n" + "".join(listed))
        for row in faces.rows:
            archive.write(faces.pictures / row["file"], row["file"])
    return to


def accuracies(faces: FaceClassifier, attribute: str) -> dict[str, str]:
    """Return the model's accuracy in each group with its 95% Wilson interval, as it should be written."""
    right: dict[str, list[bool]] = {}
    for row, guess in zip(faces.rows, faces.probabilities.argmax(axis=1), strict=True):
        right.setdefault(row[attribute], []).append(CLASSES[guess] == row["gender"])
    return {group: written(sum(one), len(one)) for group, one in right.items()}


def written(right: int, pictures: int) -> str:
    interval = binomtest(right, pictures).proportion_ci(0.95, method="wilson")
    return f"{right / pictures:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def predicted_as(faces: FaceClassifier, actual: str, predicted: str) -> list[str]:
    """Return the faces of a cell of the confusion matrix, the most confident predictions first."""
    found = [
        (-shares.max(), row["file"])
        for row, shares in zip(faces.rows, faces.probabilities, strict=True)
        if row["gender"] == actual and CLASSES[shares.argmax()] == predicted
    ]
    return [file for _, file in sorted(found)]


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    wait_until_quiet(page)


def upload_faces(page: Page, faces: FaceClassifier, folder: Path) -> None:
    """Bring the model with its labels, and the faces to ask it about."""
    person.upload_model(page, faces.weights)
    person.wait_until_ready(page)
    open_tab(page, "Labels")
    (folder / "labels.txt").write_text("\n".join(CLASSES))
    page.locator('[class*="st-key-labels-"] input[type=file]').set_input_files(folder / "labels.txt")
    expect(page.get_by_text(f"2 classes: {', '.join(CLASSES)}")).to_be_visible()
    page.get_by_role("link", name="Bias", exact=True).first.click()
    open_tab(page, "Pictures")
    archive = as_pictures(faces, folder / "faces.zip")
    page.locator('[class*="st-key-labelled-"] input[type=file]').set_input_files(archive)
    expect(page.get_by_text(f"of {len(faces.rows)} pictures")).to_be_visible()
    expect(page.get_by_text(f"{len(faces.rows)} pictures, 2 classes")).to_be_visible()


def upload_table(page: Page, table: Path) -> None:
    page.get_by_text("Predictions", exact=True).click()
    page.locator('[class*="st-key-predictions-"] input[type=file]').set_input_files(table)
    expect(page.get_by_role("textbox", name=re.compile("2 classes"))).to_have_count(2)
    wait_until_quiet(page)


def cells_of(page: Page, column: str) -> dict[str, str]:
    """Return a column of the table on a canvas that has it, by the texts of the first column."""
    grid = page.locator("[role=grid]").filter(has_text=column)
    expect(grid.locator("tr").nth(1)).to_be_attached()
    head, *rows = (row.locator("th, td").all_text_contents() for row in grid.locator("tr").all())
    return {row[0]: row[head.index(column)] for row in rows}


def click_cell(page: Page, row: int, column: int, classes: int) -> None:
    """Click near the upper left corner of a cell of the matrix, whose rows and columns count from 0."""
    size = page.locator(".st-key-bias-matrix .nsewdrag").bounding_box()
    assert size
    page.mouse.click(
        size["x"] + size["width"] * (column + 0.2) / classes, size["y"] + size["height"] * (row + 0.2) / classes
    )
    wait_until_quiet(page)


def downloaded_figures(page: Page) -> list[dict[str, Any]]:
    page.get_by_role("button", name="Compute all metrics").click()
    button = page.get_by_role("button", name="metrics.json")
    expect(button).to_be_visible()
    with page.expect_download() as download:
        button.click()
    return list(json.loads(download.value.path().read_text("utf-8")))


def figures_on_the_command_line(table: Path, folder: Path) -> dict[str, Any]:
    words = ["bias", str(table), "--attribute", "race", "--attribute", "age", "--out", str(folder)]
    subprocess.run([sys.executable, "-c", COMMAND, *words], check=True, capture_output=True)
    return dict(json.loads((folder / "metrics.json").read_text("utf-8")))


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all single values of a tree of figures under their paths; its name and its notes are left out."""
    if not isinstance(value, dict | list):
        yield path, value
        return
    for name, one in value.items() if isinstance(value, dict) else enumerate(value):
        if name not in ("name", "notes"):
            yield from flat(one, f"{path}/{name}")


@pytest.mark.long
def test_a_model_predicts_real_faces_and_its_errors_lead_to_single_pictures(
    page: Page, app: str, faces: FaceClassifier, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1600, "height": 1000})
    person.start(page, f"{app}/?method=saliency")
    upload_faces(page, faces, tmp_path)
    table = as_table(faces, tmp_path / "said.csv")
    upload_table(page, table)

    open_tab(page, "Groups")
    assert cells_of(page, "Accuracy") == accuracies(faces, "race")
    person.choose(page, "bias-crossing", "age")
    expect(page.get_by_text("for the class Male against the rest, by race × age")).to_be_visible()
    groups = {(row["race"], row["age"]) for row in faces.rows}
    expect(page.get_by_text(f"of {len(groups)} groups")).to_be_visible()

    open_tab(page, "Download")
    from_pictures, from_table = downloaded_figures(page)
    expected = figures_on_the_command_line(table, tmp_path / "bias")
    assert dict(flat(from_table)) == dict(flat(expected))
    for figures in ROUNDED_ALIKE:
        assert dict(flat(from_pictures[figures])) == pytest.approx(dict(flat(expected[figures])), abs=1e-4)

    open_tab(page, "Classes")
    page.get_by_text("Confusion", exact=True).click()
    wait_until_quiet(page)
    click_cell(page, CLASSES.index("Female"), CLASSES.index("Male"), len(CLASSES))
    wrong = predicted_as(faces, "Female", "Male")
    expect(page.get_by_text(f"{len(wrong)} pictures.", exact=True)).to_be_visible()
    expect(page.get_by_alt_text(wrong[0])).to_be_visible()
    page.get_by_role("button", name="Explain 1", exact=True).click()
    expect(page.get_by_role("heading", name="Explain", exact=True)).to_be_visible()
    person.wait_for_answer(page)
    expect(page.get_by_text(f"of {wrong[0]}")).to_be_visible()
