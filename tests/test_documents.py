"""The notebooks run from top to bottom, and the reference is written from the docstrings."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LARGEST = 400 << 10  # bytes of a notebook with its outputs
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:Proactor|datetime.datetime.utcnow")
def test_a_notebook_runs_and_its_outputs_are_small(path: Path, scripts: None) -> None:
    from run_notebooks import run

    outputs = [output for cell in run(path).cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert path.stat().st_size < LARGEST


def test_the_reference_has_a_page_for_each_face(scripts: None, tmp_path: Path) -> None:
    import build_reference

    assert build_reference.main(tmp_path) == 0
    page = (tmp_path / "vitrine/loading.html").read_text("utf-8")
    assert "sandboxed process" in page
    assert not (tmp_path / "vitrine/ui.html").exists()


def test_there_are_two_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["first_explanation", "own_module"]
