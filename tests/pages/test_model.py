"""The Model page, with a model that answers at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from tests.fakes_runner import failed
from tests.pages.conftest import CLASSES, InstantRunner, text_of, with_sample
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.errors import ChooseArchitecture, RefusedModel
from xai_core.trust import honesty


def test_an_empty_page_says_what_to_do_next(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert "Open a model above, or start with a sample" in text_of(app)


def test_a_sample_brings_a_model_and_a_picture(app: AppTest) -> None:
    with_sample(app)
    assert not app.exception
    said = text_of(app)
    assert "What it says" in said
    assert f"{CLASSES} classes" in said
    assert len(app.session_state["workspace"].pictures) == 1
    assert "Test it on labelled pictures: Bias" in [link.proto.label for link in app.get("page_link")]


def test_certainty_of_the_same_class_for_every_picture_is_warned_about(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(honesty, "FEWEST_ALIKE", 1)
    monkeypatch.setattr(honesty, "SATURATED", 0.0)
    with_sample(app)
    assert any("The model is certain that each of the 1 pictures shows" in one.value for one in app.warning)


def test_the_candidates_of_preprocessing_are_listed_with_their_evidence(app: AppTest) -> None:
    with_sample(app)
    table = app.table[0].value
    names = {name.replace("\\", "") for name in table.index}
    assert {"0..1", "ImageNet mean/std", "-1..1", "0..255", "Caffe BGR"} <= names
    assert list(table["Active"]).count("✓") == 1
    assert table["Evidence"].str.len().min() > 10


def test_another_preprocessing_can_be_chosen(app: AppTest) -> None:
    with_sample(app)
    before = app.session_state["workspace"].slot(ClassifierSlot).prepared.preprocessing
    box = next(box for box in app.selectbox if box.label == "Preprocessing")
    other = next(option for option in box.options if option != box.value)
    box.select(other).run()
    assert app.session_state["workspace"].slot(ClassifierSlot).prepared.preprocessing != before


def test_a_refused_model_is_one_sentence(app: AppTest, instant: InstantRunner) -> None:
    instant.refusal = RefusedModel("This is a web page, not a model.")
    with_sample(app)
    assert not app.exception
    assert "not a model" in app.error[0].value
    assert "Traceback" not in text_of(app)


def test_all_pictures_can_be_removed(app: AppTest) -> None:
    with_sample(app)
    app.button(key="pictures.clear").click().run()
    assert not app.exception
    assert not app.session_state["workspace"].pictures


def test_the_same_preparation_can_be_chosen_for_a_second_model(app: AppTest) -> None:
    with_sample(app)
    for framework in ("PyTorch", "Keras"):
        app.button(key=f"use-{framework}").click().run()
        app.session_state["workspace"].slot(ClassifierSlot).opening.wait(120)
        app.run().run()
        next(box for box in app.selectbox if box.label == "Preprocessing").select("0..255").run()
        assert app.session_state["workspace"].slot(ClassifierSlot).prepared.preprocessing.scale == 255


def test_one_picture_can_be_removed(app: AppTest) -> None:
    with_sample(app)
    (digest,) = app.session_state["workspace"].pictures
    app.button(key=f"remove.{digest}").click().run()
    assert not app.session_state["workspace"].pictures


def test_another_network_of_the_same_file_can_be_chosen(app: AppTest, instant: InstantRunner) -> None:
    other = "torchvision/resnet18 in model_ema"
    instant.model.card = replace(instant.model.card, choices=(other,))
    with_sample(app)
    next(box for box in app.selectbox if box.label == "Open as another network").select(other).run()
    next(button for button in app.button if button.label == "Open as this network").click().run()
    slot = app.session_state["workspace"].slot(ClassifierSlot)
    slot.opening.wait(120)
    app.run()
    assert slot.source.architecture == other
    assert (
        "the one that was recognised" in next(b for b in app.selectbox if b.label == "Open as another network").options
    )


def test_what_else_the_file_says_is_listed(app: AppTest, instant: InstantRunner) -> None:
    instant.model.card = replace(instant.model.card, settings={"epoch": "3", "lr": "0.1"})
    with_sample(app)
    assert "What else the file says (2)" in [fold.label for fold in app.expander]
    assert [["epoch", "3"], ["lr", "0.1"]] in [table.value.to_numpy().tolist() for table in app.dataframe]


def test_the_heads_of_a_transformer_are_typed(
    app: AppTest, instant: InstantRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = instant.open
    monkeypatch.setattr(instant, "open", lambda source: failed(ChooseArchitecture("Choose the architecture.")))
    app.run()
    app.button(key="use-PyTorch").click().run()
    app.session_state["workspace"].slot(ClassifierSlot).opening.wait(120)
    app.run().run()
    monkeypatch.setattr(instant, "open", opened)
    app.selectbox(key="architecture").set_value("vit/4_heads").run()
    next(button for button in app.button if button.label == "Open with this architecture").click().run()
    assert app.session_state["workspace"].slot(ClassifierSlot).source.architecture == "vit/4_heads"
