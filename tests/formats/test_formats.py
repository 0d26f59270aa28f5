"""What docs/formats.md says of each kind of file is what happens."""

from __future__ import annotations

import pytest

from tests.formats.docs import PAGE, SECTIONS, page
from xai_core.errors import VitrineError

EVERY = [pytest.param(section, each, id=each.title) for section in SECTIONS for each in section.formats]


def test_the_docs_say_what_is_declared():
    assert PAGE.read_text("utf-8") == page(), "Run `python -m tests.formats`."


@pytest.mark.long
@pytest.mark.parametrize(("section", "each"), EVERY)
def test_a_file_of_this_kind_does_what_the_docs_say(section, each, tmp_path):
    path = each.write(tmp_path)
    if each.outcome != "opens":
        with pytest.raises(VitrineError) as answered:
            section.ask(path, {})
        assert each.says in str(answered.value)
    if each.outcome == "opens" or each.options:
        answer = section.ask(path, each.options)
        assert answer == (each.answer or answer) != ""
