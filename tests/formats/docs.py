"""The page of the docs about files."""

from __future__ import annotations

from pathlib import Path

from tests.formats.of_detectors import DETECTORS
from tests.formats.of_hugging_face import HUGGING_FACE
from tests.formats.of_keras import KERAS
from tests.formats.of_onnx import ONNX
from tests.formats.of_pictures import PICTURES
from tests.formats.of_pytorch import PYTORCH
from tests.formats.of_segmentation import SEGMENTATION
from tests.formats.of_tables import TABLES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
SECTIONS = (PYTORCH, HUGGING_FACE, KERAS, ONNX, DETECTORS, SEGMENTATION, PICTURES, TABLES)
HEAD = """# Files that open

The long tests write one file of each kind below, open it in the sandbox and check its answer;
`python -m tests.formats` writes this page from those tests. "Asks" means that the file does not say something that
changes the answer, so Vitrine asks you instead of guessing."""


def page() -> str:
    """Return the page as Markdown."""
    return "\n\n".join([HEAD, *(section.table() for section in SECTIONS)]) + "\n"
