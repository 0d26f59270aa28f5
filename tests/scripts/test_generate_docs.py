"""The documentation that is read from the declarations, and the example pictures that go with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import generate_docs
from scripts.generate_docs import EXAMPLES, advice, filled, filter_sections, guide, method_table, unpictured
from xai_core import guide as finding
from xai_core.filter import FILTERS
from xai_core.guide import ADVICE, WITHOUT_EXAMPLE, catalogue, without_example


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds an example of every method."""
    for id in catalogue():
        (tmp_path / f"{id}.webp").write_bytes(b"")
    for module in (finding, generate_docs):
        monkeypatch.setattr(module, "EXAMPLES", tmp_path)
    without_example.cache_clear()
    yield tmp_path
    without_example.cache_clear()


@pytest.mark.parametrize("id", sorted(catalogue()))
def test_each_method_has_a_row_in_the_table_and_a_section(id: str) -> None:
    method = catalogue()[id]
    assert f"[{method.title}](docs/methods.md#{id}) | {method.group} |" in method_table()
    section = guide().partition(f'<a id="{id}"></a>')[2].partition("<a id=")[0]
    told = (method.guide.answers, method.guide.choose, method.guide.limits, method.cost, method.source)
    assert all(sentence in section for sentence in told)
    assert all(f"`{param.name}`" in section for param in method.params)


def test_each_row_of_the_table_has_as_many_cells_as_its_heading() -> None:
    assert len({row.replace("\\|", "").count("|") for row in method_table().splitlines()}) == 1


def test_each_filter_has_a_section_with_its_parameters() -> None:
    shown = filter_sections()
    assert all(f"(`{id}`)" in shown for id in FILTERS)
    assert "| `sigma` |" in shown


def test_advice_leads_to_the_sections() -> None:
    shown = advice()
    assert all(f"(#{id}): {why}" in shown for one in ADVICE for id, why in one.methods)


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    text = "above\n<!-- generated: part -->\nold\n<!-- end of generated -->\nbelow\n"
    assert filled(text, {"part": "new"}) == text.replace("old", "new")
    assert filled(filled(text, {"part": "new"}), {"part": "new"}) == text.replace("old", "new")


def test_every_method_with_a_picture_is_well(examples: Path) -> None:
    assert unpictured() == []


def test_a_method_without_picture_or_reason_is_told(examples: Path) -> None:
    (examples / "rise.webp").unlink()
    assert unpictured() == ["rise has no example."]


def test_a_method_that_the_sample_can_not_be_asked_needs_no_picture(examples: Path) -> None:
    (examples / "rise.webp").unlink()
    (examples / WITHOUT_EXAMPLE).write_text(json.dumps({"rise": "RISE needs a reason."}))
    assert unpictured() == []


def test_a_picture_of_a_method_that_is_gone_is_told(examples: Path) -> None:
    (examples / "magic.webp").write_bytes(b"")
    assert unpictured() == ["magic.webp shows no method."]


def test_example_pictures_are_small() -> None:
    assert all(path.stat().st_size <= 12 << 10 for path in EXAMPLES.glob("*.webp"))
