"""The documentation generated from the declarations, and its example pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.generate_docs import advice, filled, filter_sections, guide, method_table, unpictured
from vitrine.example_pictures import WITHOUT_EXAMPLE
from vitrine.folders import EXAMPLES, examples_folder
from xai_core.filter import FILTERS
from xai_core.guide import ADVICE, catalogue


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an example of every method."""
    for method_id in catalogue():
        (tmp_path / f"{method_id}.webp").write_bytes(b"")
    monkeypatch.setenv(EXAMPLES, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("method_id", sorted(catalogue()))
def test_each_method_has_a_row_in_the_table_and_a_section(method_id: str) -> None:
    method = catalogue()[method_id]
    assert f"[{method.title}](docs/methods.md#{method_id}) | {method.group} |" in method_table()
    section = guide().partition(f'<a id="{method_id}"></a>')[2].partition("<a id=")[0]
    texts = (method.guide.answers, method.guide.choose, method.guide.limits, method.cost, method.source)
    assert all(text in section for text in texts)
    assert all(f"`{param.name}`" in section for param in method.params)


def test_each_row_of_the_table_has_as_many_cells_as_its_heading() -> None:
    assert len({row.replace("\\|", "").count("|") for row in method_table().splitlines()}) == 1


def test_each_filter_has_a_section_with_its_parameters() -> None:
    shown = filter_sections()
    assert all(f"(`{filter_id}`)" in shown for filter_id in FILTERS)
    assert "| `sigma` |" in shown


def test_advice_leads_to_the_sections() -> None:
    shown = advice()
    assert all(f"(#{method_id}): {why}" in shown for topic in ADVICE for method_id, why in topic.methods)


def test_only_the_text_between_the_markers_is_replaced() -> None:
    text = "above\n<!-- generated: part -->\nold\n<!-- end of generated -->\nbelow\n"
    assert filled(text, {"part": "new"}) == text.replace("old", "new")
    assert filled(filled(text, {"part": "new"}), {"part": "new"}) == text.replace("old", "new")


def test_complete_examples_have_no_faults(examples: Path) -> None:
    assert unpictured() == []


def test_a_method_without_an_example_or_a_reason_is_reported(examples: Path) -> None:
    (examples / "rise.webp").unlink()
    assert unpictured() == ["rise has no example."]


def test_a_method_that_the_sample_does_not_support_needs_no_example(examples: Path) -> None:
    (examples / "rise.webp").unlink()
    (examples / WITHOUT_EXAMPLE).write_text(json.dumps({"rise": "RISE needs a reason."}))
    assert unpictured() == []


def test_an_example_of_a_removed_method_is_reported(examples: Path) -> None:
    (examples / "magic.webp").write_bytes(b"")
    assert unpictured() == ["magic.webp belongs to no method."]


def test_example_pictures_are_small() -> None:
    assert all(path.stat().st_size <= 12 << 10 for path in examples_folder().glob("*.webp"))
