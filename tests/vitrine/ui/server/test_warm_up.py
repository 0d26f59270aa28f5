"""What pages import is imported before the first visitor arrives."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from vitrine.ui.server import warm_up

LATER = """
import sys
from vitrine.ui.server import warm_up
warm_up._import()
before = set(sys.modules)
from pathlib import Path
for page in Path("pages").glob("*.py"):
    for line in page.read_text().splitlines():
        if line.startswith(("import ", "from ")):
            exec(line.partition("#")[0])
print(len([name for name in set(sys.modules) - before if name.count(".") == 0]))
"""


@pytest.mark.parametrize("name", warm_up.MODULES)
def test_each_module_exists(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


def test_pages_import_no_further_library() -> None:
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", LATER], capture_output=True, text=True, timeout=300)
    assert ran.stdout.strip().splitlines()[-1:] == ["0"], ran.stderr


def test_a_failed_import_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(warm_up, "MODULES", ("no_such_module", "json"))
    warm_up._import()
    assert "no_such_module could not be imported in advance." in caplog.text
