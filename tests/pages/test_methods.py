"""The Methods page: advice, the table, and every method."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import xai_core.detection.methods
import xai_core.methods  # noqa: F401 - both enter what they hold in the catalogue
from tests.browser_session import ROOT
from tests.pages.conftest import text_of
from xai_core.detection.method import DETECTION_METHODS
from xai_core.guide import ADVICE, GROUPS, catalogue, in_order
from xai_core.method import METHODS


@pytest.fixture
def guide(app: AppTest) -> AppTest:
    app.run()
    return app.switch_page("pages/methods.py").run()


@pytest.fixture(scope="module")
def read() -> AppTest:
    """The page as it opens, for tests that only read it."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run().switch_page("pages/methods.py").run()


def titles(app: AppTest) -> list[str]:
    headings = [element.value.replace("\\", "") for element in app.markdown]
    return [heading.removeprefix("#### ") for heading in headings if heading.startswith("#### ")]


def links(app: AppTest) -> list[str]:
    return [link.proto.query_string for link in app.get("page_link")]


def test_every_method_is_there_by_group(read: AppTest) -> None:
    assert not read.exception
    assert titles(read) == [one.title for one in in_order()]
    assert set(GROUPS) <= {element.value for element in read.subheader}


@pytest.mark.parametrize("method_id", sorted(catalogue()))
def test_each_says_what_it_answers_when_to_choose_it_and_what_it_can_not_say(read: AppTest, method_id: str) -> None:
    shown, told = text_of(read).replace("\\", ""), catalogue()[method_id].guide
    assert all(
        sentence in shown for sentence in (told.answers, told.choose, told.limits, catalogue()[method_id].source)
    )


def test_each_question_has_methods_to_start_with(guide: AppTest) -> None:
    for question in ADVICE:
        guide.radio(key="advice").set_value(question).run()
        assert not guide.exception
        shown = text_of(guide).replace("\\", "")
        assert all(why in shown for _, why in question.methods)


def test_each_method_can_be_tried(read: AppTest) -> None:
    assert {f"method={method_id}" for method_id in METHODS} <= set(links(read))
    assert {f"methods={method_id}" for method_id in DETECTION_METHODS} <= set(links(read))


def test_the_search_narrows_list_and_table(guide: AppTest) -> None:
    guide.text_input(key="guide.search").set_value("adebayo").run()
    assert 0 < len(titles(guide)) < len(catalogue())
    assert len(guide.dataframe[0].value) == len(titles(guide))


def test_the_groups_narrow_the_list(guide: AppTest) -> None:
    guide.button_group(key="guide.groups").set_value(["Perturbation"]).run()
    assert titles(guide) == [one.title for one in in_order() if one.group == "Perturbation"]


def test_a_search_without_an_answer_says_so(guide: AppTest) -> None:
    guide.text_input(key="guide.search").set_value("marmalade").run()
    assert not guide.exception
    assert "No method matches your search" in text_of(guide)


def test_there_are_six_groups() -> None:
    assert GROUPS == ("Gradient", "CAM", "Attention", "Perturbation", "Propagation", "Detection")
