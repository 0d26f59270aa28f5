"""An error that nobody foresaw reaches a notebook as one sentence with a reference number."""

from __future__ import annotations

import re

import pytest

import vitrine


@pytest.fixture
def broken(monkeypatch):
    """Break a function of the library."""

    def breaks(place: str) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("/srv/secret")

        monkeypatch.setattr(place, fail)

    return breaks


def sentence(start: str) -> str:
    return rf"^{re.escape(start)} \(RuntimeError\)\. The log has more under the reference [0-9a-f]{{8}}\.$"


def test_of_opening_a_file(broken, tmp_path):
    broken("vitrine.loading.model_source")
    with pytest.raises(vitrine.VitrineError, match=sentence("Opening the model failed")):
        vitrine.load(tmp_path / "model.onnx")


def test_of_wrapping_a_model(broken, net):
    broken("vitrine.wrapping.framework_of")
    with pytest.raises(vitrine.VitrineError, match=sentence("Opening the model failed")):
        vitrine.wrap(net)


def test_of_predicting_and_of_explaining(broken, wrapped, pixels):
    broken("vitrine.classifier.scores")
    with pytest.raises(vitrine.VitrineError, match=sentence("Predicting failed")):
        wrapped.predict(pixels)
    with pytest.raises(vitrine.VitrineError, match=sentence("Explaining failed")):
        wrapped.explain("saliency", pixels)


def test_of_saving(broken, wrapped, pixels, tmp_path):
    explanation = wrapped.explain("saliency", pixels)
    broken("vitrine.explanation.save")
    with pytest.raises(vitrine.VitrineError, match=sentence("Saving failed")):
        explanation.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
