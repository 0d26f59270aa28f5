"""The app's own process stays light: it imports no framework."""

from __future__ import annotations

import subprocess
import sys

from tests.browser_session import ROOT

EVERYTHING_THE_APP_IMPORTS = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=300).run()
app.switch_page("pages/explain.py").run()
assert not app.exception
heavy = {"torch", "torchvision", "timm", "tensorflow", "keras", "onnx", "onnxruntime", "captum", "xplique"}
print(sorted(heavy & set(sys.modules)))
"""


def test_the_app_imports_no_framework() -> None:
    command = [sys.executable, "-W", "ignore", "-c", EVERYTHING_THE_APP_IMPORTS]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=540)
    assert found.stdout.strip().splitlines()[-1] == "[]"
