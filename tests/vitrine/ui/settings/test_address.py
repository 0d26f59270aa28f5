"""What a link restores, and what holds when a link meets a page that was used before."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from vitrine.ui.settings import address

    address.arrive(st.session_state.get("opened", "first"))
    address.choice("Letter", ["a", "b", "c"], "a", key="letter", shown=str)
    address.choice("Number", [1, 2, 3], 1, key="number", shown=str, always=True)
    address.faults()


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(script, default_timeout=300)


def at(app: AppTest, page: str, letter: str) -> AppTest:
    app.session_state["opened"] = page
    app.query_params["letter"] = letter
    return app.run()


def test_a_tab_opens_as_its_link_says(app: AppTest) -> None:
    app.query_params["letter"] = "b"
    assert app.run().selectbox(key="letter").value == "b"


def test_a_choice_on_the_page_holds_over_the_address_it_was_opened_with(app: AppTest) -> None:
    at(app, "first", "b").selectbox(key="letter").select("c").run()
    assert app.selectbox(key="letter").value == "c"
    assert app.query_params["letter"] == "c"


def test_a_link_from_another_page_holds_over_what_was_chosen_before(app: AppTest) -> None:
    app.run().selectbox(key="letter").select("c").run()
    assert at(app, "second", "b").selectbox(key="letter").value == "b"


def test_a_link_that_can_be_followed_ends_the_complaint_about_one_that_could_not(app: AppTest) -> None:
    assert "There is no letter called" in at(app, "first", "z").warning[0].value.replace("\\", "")
    assert not at(app, "second", "b").warning


def test_choosing_anew_ends_the_complaint_about_a_link(app: AppTest) -> None:
    at(app, "first", "z").selectbox(key="letter").select("c").run()
    assert not app.warning


def test_what_is_always_in_the_address_complains_too(app: AppTest) -> None:
    app.query_params["number"] = "9"
    assert "There is no number called" in app.run().warning[0].value.replace("\\", "")
    assert app.query_params["number"] == "1"


def script_of_many() -> None:
    from vitrine.ui.settings import address

    address.choice("Method", ["rise", "lime", *map(str, range(30))], "lime", key="method", shown=str)
    address.faults()


@pytest.mark.parametrize(("asked", "says"), [("risee", "Did you mean one of these: rise?"), ("none", "'none'.")])
def test_of_many_options_only_those_that_are_alike_are_named(asked: str, says: str) -> None:
    app = AppTest.from_function(script_of_many, default_timeout=300)
    app.query_params["method"] = asked
    assert app.run().warning[0].value.replace("\\", "").endswith(says)


def asking() -> None:
    import streamlit as st

    from vitrine.ui.settings import address

    st.button("Take c", on_click=address.ask, args=("letter", "c"))
    address.choice("Letter", ["a", "b", "c"], "a", key="letter", shown=str)


def test_what_the_page_asks_for_holds_over_what_the_browser_last_sent() -> None:
    app = AppTest.from_function(asking, default_timeout=300).run()
    app.selectbox(key="letter").select("b")
    assert app.button[0].click().run().selectbox(key="letter").value == "c"
    assert app.run().selectbox(key="letter").value == "c"
