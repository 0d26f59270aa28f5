"""A running Streamlit script and a Chromium page, for tests in a real browser.

A conftest.py takes the fixture with `from browser_session import browser`; it lasts for a module, as two Playwrights
can not run at once.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120  # seconds; whatever a page is waited for takes a few on an idle machine and longer beside other work
SWITCHES = (
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SERVER = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
}
QUIET = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app?.dataset.testScriptState === "notRunning" && app.dataset.testConnectionState === "CONNECTED";
}"""
# Without a GPU, Chromium paints the icon of a running script on the processor that the script needs.
NOTHING_MOVES = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "*, *::before, *::after { animation: none !important; transition: none !important; }";
  document.head.append(style);
});"""

expect.set_options(timeout=PATIENCE * 1000)


@contextmanager
def streamlit_app(script: Path, **environment: str) -> Iterator[str]:
    """Run a Streamlit script on a free port; yield its address once it answers."""
    port = _free_port()
    options = [f"--{name}={value}" for name, value in (SERVER | {"server.port": str(port)}).items()]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | paths | environment, stdin=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium; the test fails where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("Tests in the browser need Chromium: install it (apt-get install chromium) and run them again.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield started
        started.close()


@contextmanager
def new_page(browser: Browser, width: int = 1280, height: int = 900, dark: bool = False) -> Iterator[Page]:
    """Open a page of its own session in the light or dark theme."""
    size = {"width": width, "height": height}
    theme: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce", bypass_csp=True)
    context.add_init_script(NOTHING_MOVES)
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    context.close()


def open_app(page: Page, address: str) -> None:
    """Go to an address of a Streamlit app and wait until its script has run."""
    page.goto(address)
    wait_until_quiet(page)


def wait_until_quiet(page: Page) -> None:
    """Wait until the page is connected and its script is not running."""
    page.wait_for_function(QUIET)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"Streamlit ended with exit status {server.returncode} before it answered.")
        try:
            urlopen(address, timeout=PATIENCE).close()
            return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"Streamlit did not answer within {PATIENCE} seconds.")
