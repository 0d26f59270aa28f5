"""Write docs/licences.md from the licences that installed packages declare; --check compares instead."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public|\bMPL\b|Mozilla", re.IGNORECASE)
HEAD = """# Licences of dependencies

The licences that the locked packages of `requirements.txt` declare. `python scripts/list_licences.py` writes this page,
and `--check` compares it with what is installed; packages for other systems are not listed. A wheel may contain
libraries whose licences it does not declare: OpenCV's contains FFmpeg (LGPL), pillow-heif's contains libheif and
libde265 (LGPL) and the encoder x265 (GPL), which Vitrine does not use; several contain GCC's run-time libraries (GPL
with the run-time exception).

"""


def names() -> list[str]:
    """Return the names of the locked packages, in order."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if "==" in line and not line.startswith("#")]


def licence(name: str) -> str | None:
    """Return a package's licence in one line: an SPDX expression, classifiers or a text; None if not installed."""
    try:
        declared = metadata(name)
    except PackageNotFoundError:
        return None
    classifiers = [
        classifier.rpartition(" :: ")[2]
        for classifier in declared.get_all("Classifier", [])
        if classifier.startswith("License :: ") and not classifier.endswith("OSI Approved")
    ]
    text = declared.get("License-Expression") or "; ".join(classifiers) or declared.get("License") or "not declared"
    return " ".join(text.split("\n")[0].split())[:120]


def page() -> str:
    """Return the page: copyleft licences first, then the table of all packages."""
    known = {name: text for name in names() if (text := licence(name)) is not None}
    copyleft = [f"- {name}: {text}" for name, text in known.items() if COPYLEFT.search(text)]
    rows = [f"| {name} | {text.replace('|', '/')} |" for name, text in known.items()]
    named = "\n".join(copyleft) or "None."
    return f"{HEAD}## Copyleft\n\n{named}\n\n## All\n\n" + "\n".join(
        ["| package | licence |", "| --- | --- |", *rows, ""]
    )


def missing() -> list[str]:
    """Return the lines that docs/licences.md lacks; it may list more, which other systems install."""
    written = set(PAGE.read_text("utf-8").splitlines())
    return [line for line in page().splitlines() if line not in written]


def main() -> None:
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), "utf-8")
    elif lines := missing():
        raise SystemExit("docs/licences.md lacks these lines; run python scripts/list_licences.py\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
