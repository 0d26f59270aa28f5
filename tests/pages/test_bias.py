"""The Bias page, with small tables and a model that answers at once."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import text_of


def on_bias_page(app: AppTest) -> AppTest:
    app.run()
    return app.switch_page("pages/bias.py").run()


def with_sample_predictions(app: AppTest) -> AppTest:
    on_bias_page(app)
    return app.button(key="use-predictions").click().run()


def test_without_predictions_it_says_how_to_bring_some(app: AppTest) -> None:
    on_bias_page(app)
    assert not app.exception
    assert "Bring predictions on the left" in text_of(app)


def test_the_sample_shows_its_figures_with_intervals_and_what_they_mean(app: AppTest) -> None:
    with_sample_predictions(app)
    assert not app.exception
    (table,) = app.table
    assert table.value.loc["Pictures", "Coloured digits"] == "3,000"
    assert "may have none" in table.value.loc["Degree of bias", "What it says"]
    assert "95% intervals" in text_of(app)


def open_tab(app: AppTest, name: str) -> AppTest:
    app.session_state["bias.tab"] = name
    return app.run()


def look(app: AppTest, view: str) -> AppTest:
    return app.segmented_control(key="bias.view").set_value(view).run()


def test_every_view_of_the_classes_is_drawn(app: AppTest) -> None:
    with_sample_predictions(app)
    open_tab(app, "Classes")
    assert not app.exception
    for view in ("Confusion", "ROC curves", "Calibration"):
        look(app, view)
        assert not app.exception, view
        assert not app.error, view


@pytest.mark.parametrize("name", ["Overview", "Groups", "Inside the model", "Download"])
def test_every_tab_is_drawn(app: AppTest, name: str) -> None:
    with_sample_predictions(app)
    open_tab(app, name)
    assert not app.exception
    assert not app.error
