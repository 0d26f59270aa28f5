"""The main way: bring a model and a picture, see the answer, ask why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import person
from vitrine import samples
from xai_core import methods  # noqa: F401  (registers the methods)
from xai_core.method import METHODS

MODELS = [
    pytest.param(sample, id=sample.framework, marks=() if sample.framework == "ONNX" else pytest.mark.long)
    for sample in samples.sample_models()
]


@pytest.mark.parametrize("sample", MODELS)
def test_an_uploaded_model_says_cat_and_shows_why(page: Page, app: str, sample: samples.SampleModel) -> None:
    person.start(page, app)
    person.upload_model(page, sample.path)
    person.wait_until_ready(page)
    person.add_sample_picture(page, "Cat")
    expect(page.get_by_text(re.compile("Egyptian cat|tabby|tiger cat")).first).to_be_visible()
    person.go_to_explain(page)
    person.wait_for_answer(page)
    expect(page.get_by_text("completeness error").first).to_be_visible()


def test_moving_a_slider_asks_anew(explained: Page) -> None:
    page = explained
    person.wait_for_answer(page)
    handle = person.slider(page, "integrated_gradients-steps")
    before = int(handle.input_value())
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(f"steps {before + 1},")).to_be_visible()
    person.wait_for_answer(page)
    assert "integrated_gradients.steps" in page.url


@pytest.mark.parametrize(
    "method_id",
    ["saliency", "grad_cam", *(pytest.param(name, marks=pytest.mark.long) for name in ("occlusion", "lrp"))],
)
def test_a_method_of_each_group_answers_and_the_settings_survive_a_change_of_page(
    explained: Page, method_id: str
) -> None:
    page, method = explained, METHODS[method_id]
    person.choose(page, "method", method.title)
    person.wait_for_answer(page)
    expect(page.get_by_text(f"{method.title} of cat.png")).to_be_visible()
    person.go_to_model(page)
    expect(page.get_by_text("What it says")).to_be_visible()
    person.go_to_explain(page)
    expect(page.get_by_text(f"{method.title} of cat.png")).to_be_visible()


@pytest.mark.long
def test_a_link_with_an_unknown_method_is_answered_in_words(page: Page, app: str) -> None:
    person.start(page, f"{app}/explain?method=magic")
    person.go_to_model(page)
    person.use_sample_model(page, "PyTorch")
    person.add_sample_picture(page, "Cat")
    person.go_to_explain(page)
    expect(page.get_by_text("There is no method called")).to_be_visible()
    person.wait_for_answer(page)


@pytest.mark.long
def test_a_long_run_can_be_cancelled(page: Page, app: str) -> None:
    person.start(page, f"{app}/?method=rise&rise.samples=20000&rise.stop_at_noise=0")
    person.use_sample_model(page, "PyTorch")
    person.add_sample_picture(page, "Cat")
    person.go_to_explain(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled.")).to_be_visible()


@pytest.mark.long
def test_a_killed_worker_costs_nothing_but_a_new_start(page: Page, app: str) -> None:
    person.start(page, f"{app}/?method=rise&rise.samples=20000&rise.stop_at_noise=0")
    person.use_sample_model(page, "PyTorch")
    person.add_sample_picture(page, "Cat")
    person.go_to_explain(page)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    person.kill_workers()
    expect(page.get_by_text("process stopped")).to_be_visible()
    person.choose(page, "method", "Saliency")
    person.wait_for_answer(page)


def test_a_bad_file_gets_a_sentence_and_the_next_one_works(
    page: Page, app: str, tmp_path: Path, small_models: Path
) -> None:
    bad = tmp_path / "model.pt"
    bad.write_text("<!doctype html><html><body>Sign in</body></html>")
    person.start(page, app)
    person.upload_model(page, bad)
    expect(page.get_by_text("This is a web page, not a model")).to_be_visible()
    person.upload_model(page, small_models / "cnn.onnx")
    person.wait_until_ready(page)
