"""What charts share."""

from __future__ import annotations

from types import SimpleNamespace

import plotly.graph_objects as go
import pytest

from vitrine.ui.drawing import charts

BACKGROUNDS = {"light": (255, 255, 255), "dark": (18, 23, 29)}


@pytest.mark.parametrize("theme", BACKGROUNDS)
def test_the_text_of_a_chart_stands_out_from_the_page(monkeypatch: pytest.MonkeyPatch, theme: str) -> None:
    monkeypatch.setattr(charts.st, "context", SimpleNamespace(theme=SimpleNamespace(type=theme)))
    chart = charts.readable(go.Figure(go.Bar(x=[1], y=[2]), layout={"xaxis": {"title": "Accuracy"}}))
    layout, ink = chart.layout, charts.TEXT[theme == "dark"]
    assert layout.xaxis.title.text == "Accuracy"
    fonts = (layout.font, layout.legend.font, layout.xaxis.tickfont, layout.yaxis.tickfont, layout.xaxis.title.font)
    assert {font.color for font in fonts} == {f"rgb({ink[0]},{ink[1]},{ink[2]})"}
    assert charts._contrast(charts._light(ink), charts._light(BACKGROUNDS[theme])) >= 4.5
