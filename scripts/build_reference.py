"""Write the reference of the library into docs/api, from its docstrings."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pdoc
import pdoc.render

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "api"
MODULES = (
    *("vitrine", "!vitrine.app", "!vitrine.cli", "!vitrine.ui", "vitrine_logger"),
    *(f"xai_core.{name}" for name in ("errors", "types", "params", "method", "preprocessing", "filters")),
    *("xai_core.methods", "xai_core.detection.methods"),
)


def main(target: Path = TARGET) -> int:
    """Write one page a module into a folder; return the exit code."""
    sys.path.insert(0, str(ROOT))
    pdoc.render.configure(docformat="markdown", show_source=False, footer_text="Vitrine")
    with warnings.catch_warnings(action="ignore"):
        pdoc.pdoc(*MODULES, output_directory=target)
    print(f"Wrote {len(list(target.rglob('*.html')))} pages to {target}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
