"""What a person does in the app, step by step."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser_session import open_app, wait_until_quiet


def start(page: Page, address: str) -> None:
    open_app(page, address)


def upload_model(page: Page, file: Path) -> None:
    """Upload a model file; what comes of it is the test's to look for."""
    page.get_by_role("tab", name="Upload a model").click()
    page.locator('[class*="st-key-model-file"] input[type=file]').set_input_files(file)


def upload_detector(page: Page, file: Path, picture: Path) -> None:
    """Upload a detector, wait until it is open, and upload a picture for it."""
    page.locator('[class*="st-key-detector-file"] input[type=file]').set_input_files(file)
    expect(page.get_by_text(f"Detector: {file.name}")).to_be_visible()
    wait_until_quiet(page)
    upload_picture(page, picture)


def upload_picture(page: Page, file: Path) -> None:
    """Upload a picture of your own beside the model."""
    page.locator('[class*="st-key-pictures"] input[type=file]').set_input_files(file)


def upload_code(page: Page, file: Path) -> None:
    """Upload the code of a model; what comes of it is the test's to look for."""
    page.get_by_text("Weights with your own code (model.py)").click()
    page.locator('[class*="st-key-code-file"] input[type=file]').set_input_files(file)


def use_sample_model(page: Page, framework: str) -> None:
    """Choose a sample model and wait until it is ready."""
    page.get_by_role("tab", name="Start with a sample").click()
    page.locator(f".st-key-use-{framework} button").click()
    wait_until_ready(page)


def wait_until_ready(page: Page) -> None:
    expect(page.get_by_text("What it says")).to_be_visible()
    wait_until_quiet(page)


def add_sample_picture(page: Page, title: str) -> None:
    """Tick a sample picture, if it is not ticked yet."""
    page.get_by_role("tab", name="Samples", exact=True).click()
    box = page.get_by_role("checkbox", name=title)
    if not box.is_checked():
        page.get_by_text(title, exact=True).click()
    expect(box).to_be_checked()
    wait_until_quiet(page)


def go_to(page: Page, link: str, heading: str) -> None:
    """Follow a link above the page."""
    page.get_by_role("link", name=link, exact=True).first.click()
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def go_to_explain(page: Page) -> None:
    go_to(page, "Explain", "Explain")
    wait_until_quiet(page)


def choose(page: Page, key: str, option: str) -> None:
    """Choose an option of a select box by typing it."""
    page.locator(f".st-key-{key} input").fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    wait_until_quiet(page)


def slider(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key} input[type=range]")


def wait_for_answer(page: Page) -> None:
    """Wait until the map is final: it can be downloaded."""
    expect(page.get_by_text("Download maps, picture and settings").first).to_be_visible()


def go_to_model(page: Page) -> None:
    go_to(page, "Model", "Why did it say that?")
    wait_until_quiet(page)


def kill_workers() -> None:
    """End all workers of the app under test, as a crash of a model would."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"xai_core.jobs.worker" in (folder / "cmdline").read_bytes() and _is_ours(int(folder.name)):
                os.kill(int(folder.name), signal.SIGKILL)


def _is_ours(process: int) -> bool:
    while process > 1:
        if process == os.getpid():
            return True
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return False
