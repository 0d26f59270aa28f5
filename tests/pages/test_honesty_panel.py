"""What the Explain page says of how far a map can be trusted, with a model that answers at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.fakes_runner import done
from tests.pages.conftest import SIDE, InstantRunner, all_able, text_of, with_sample
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.trust import checks
from vitrine.ui.trust.figures import FIGURES
from xai_core.families.noise import DRAWN
from xai_core.jobs.base import Job, Status
from xai_core.jobs.question import Question
from xai_core.jobs.questions.explain import Explain
from xai_core.method import method_named
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing
from xai_core.services.results_cache import Remembered, RememberedJob
from xai_core.trust.peers import Comparison
from xai_core.types import Capability, Conditions, Engine, Estimate, ModelSource


def explaining(app: AppTest, method: str = "rise") -> AppTest:
    app.query_params["method"] = method
    with_sample(app)
    return app.switch_page("pages/explain.py").run()


def button(app: AppTest, label: str) -> object:
    return next(one for one in app.button if one.label.startswith(label))


def as_in_the_paper(app: AppTest) -> AppTest:
    """Average as in the paper, which leaves more noise."""
    app.selectbox(key="rise.averaging").select("as in the paper").run()
    return app


def panel(app: AppTest) -> str:
    return next(one.label for one in app.expander if one.label.startswith("How far can this map be trusted?"))


def randomisable(instant: InstantRunner) -> None:
    card = instant.model.card
    instant.model.card = replace(card, capabilities=card.capabilities | Capability.RANDOMISATION)


def changed(instant: InstantRunner, monkeypatch: pytest.MonkeyPatch, change: Callable[[Job], Job]) -> None:
    """Have explanations answered by what `change` makes of their jobs."""
    ask = instant.ask

    def changed_ask(source: ModelSource, question: Question, asker: str = "") -> Job:
        job = ask(source, question, asker)
        return change(job) if isinstance(question, Explain) else job

    monkeypatch.setattr(instant, "ask", changed_ask)


def test_the_warnings_are_counted_and_shown(app: AppTest) -> None:
    as_in_the_paper(explaining(app))
    app.slider(key="rise.samples").set_value(100).run()
    assert not app.exception
    assert panel(app).endswith(("warning", "warnings"))
    assert "may be noise. Use more samples" in text_of(app).replace("\\", "")


def test_a_sound_map_counts_none(app: AppTest) -> None:
    explaining(app, "integrated_gradients")
    app.selectbox(key="integrated_gradients.baseline").select("noise").run()
    assert "Completeness error" in text_of(app)
    assert "warning" not in panel(app)


def test_running_until_the_noise_is_low_raises_the_samples_and_asks_again(app: AppTest, instant: InstantRunner) -> None:
    as_in_the_paper(explaining(app))
    app.slider(key="rise.samples").set_value(200).run()
    app.toggle(key="automatic").set_value(False).run()
    button(app, "Run until the noise is below 5").click().run()
    assert not app.exception
    assert instant.explained[-1].values()["samples"] > 200
    assert app.slider(key="rise.samples").value == instant.explained[-1].values()["samples"]
    assert "How far" in panel(app)


def test_a_run_that_stopped_early_is_offered_to_go_on_from_what_it_drew(app: AppTest, instant: InstantRunner) -> None:
    app.query_params |= {"rise.samples": "20000", "rise.stop_at_noise": "20", "rise.averaging": "as in the paper"}
    explaining(app)
    assert "maximum number" not in text_of(app)
    assert FIGURES[DRAWN][2] in text_of(app)
    offer = button(app, "Run until the noise is below 5")
    assert 100 < int(offer.label.partition("(")[2].split()[0]) < 5000
    offer.click().run()
    assert not app.exception
    last = instant.explained[-1].values()
    assert (last["samples"], last["stop_at_noise"]) == (20000, 5)


@pytest.mark.parametrize(("method", "effort", "few"), [("sobol", "rows", 2), ("shapley", "permutations", 4)])
def test_what_is_raised_against_noise_is_the_method_s_own(
    app: AppTest, instant: InstantRunner, method: str, effort: str, few: int
) -> None:
    app.query_params[f"{method}.{effort}"] = str(few)
    app.query_params[f"{method}.grid"] = "3"
    explaining(app, method)
    asked = next(one for one in app.button if one.label.startswith("Run ") and one.label.endswith(f" {effort})"))
    asked.click().run()
    assert not app.exception
    assert instant.explained[-1].values()[effort] > few
    assert app.slider(key=f"{method}.{effort}").value == instant.explained[-1].values()[effort]


@pytest.mark.parametrize("method", ["lime", "kernel_shap", "shapley", "sobol", "hsic", "integrated_gradients", "rise"])
def test_every_figure_that_a_method_gives_is_explained(app: AppTest, instant: InstantRunner, method: str) -> None:
    given = set(last_of(method, instant).diagnostics) - {DRAWN}  # only after an early stop
    assert given <= set(FIGURES)
    explaining(app, method)
    said = text_of(app).replace("\\", "")
    assert all(FIGURES[name][2] in said for name in given)


def last_of(method: str, instant: InstantRunner) -> Estimate:
    image = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    model = Model(instant.model, Preprocessing(SIDE, SIDE))
    *_, last = method_named(method)().explain(model, image, np.array([0]))
    return last


def test_a_figure_without_an_explanation_is_shown_too(
    app: AppTest, instant: InstantRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = {"share_of_the_score": (-0.25,), "odd_thing": (0.125,), "gone": (None,)}
    changed(instant, monkeypatch, lambda job: done(replace(job.result(), diagnostics=figures)))
    explaining(app, "saliency")
    said = text_of(app).replace("\\", "")
    assert "**Share of the score** -25%: how much of the score reached" in said
    assert "**Odd thing** 0.125" in said
    assert "**Gone** not defined" in said


def test_a_different_seed_is_tried_and_its_map_shown(app: AppTest, instant: InstantRunner) -> None:
    explaining(app)
    button(app, "Try a different seed").click().run()
    assert not app.exception
    assert [method.values()["seed"] for method in instant.explained] == [0, 1]
    assert "A different seed gives" in text_of(app)
    assert "rank correlation" in text_of(app)


def test_an_outcome_survives_reruns_and_other_questions(app: AppTest, instant: InstantRunner) -> None:
    explaining(app)
    button(app, "Try a different seed").click().run()
    app.slider(key="rise.samples").set_value(500).run()
    assert "A different seed gives" not in text_of(app)
    app.slider(key="rise.samples").set_value(1000).run()
    assert "A different seed gives" in text_of(app)
    assert len(instant.explained) == 3


def test_a_method_without_a_seed_offers_none(app: AppTest) -> None:
    explaining(app, "saliency")
    assert not [one for one in app.button if one.label == "Try a different seed"]
    assert "does not measure its own error" in text_of(app)


def test_a_different_seed_is_offered_for_a_baseline_of_noise_alone(app: AppTest) -> None:
    explaining(app, "integrated_gradients")
    assert not [one for one in app.button if one.label == "Try a different seed"]
    assert "Seed" not in [slider.label for slider in app.slider]
    app.selectbox(key="integrated_gradients.baseline").select("noise").run()
    assert button(app, "Try a different seed")
    assert "Seed" in [slider.label for slider in app.slider]


def test_a_random_last_layer_is_asked_for_and_judged(app: AppTest, instant: InstantRunner) -> None:
    randomisable(instant)
    explaining(app, "saliency")
    button(app, "Randomise the last layer").click().run()
    assert not app.exception
    assert instant.conditions == [Conditions(), Conditions(random_last_layer=0)]
    assert "With a random last layer" in text_of(app)


def test_the_reason_why_the_last_layer_cannot_be_random_is_shown(app: AppTest, instant: InstantRunner) -> None:
    card = instant.model.card
    instant.model.card = replace(card, missing={"RANDOMISATION": "The weights are frozen."})
    explaining(app, "saliency")
    assert button(app, "Randomise the last layer").disabled
    assert "The weights are frozen" in text_of(app)


def test_a_random_last_layer_is_no_check_of_a_method_that_does_not_use_it(app: AppTest, instant: InstantRunner) -> None:
    instant.model.card = all_able(instant.model.card)
    instant.model.activations = lambda inputs, layer: np.repeat(inputs[:, ::4, ::4, :1], 8, axis=3)
    explaining(app, "eigen_cam")
    assert button(app, "Randomise the last layer").disabled
    assert "does not use the last layer, so its map remains the same" in text_of(app)


def test_a_different_library_is_compared_and_its_known_fault_shown(
    app: AppTest, instant: InstantRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Comparison("captum", "0.9.0", "Its rule is biased.")
    monkeypatch.setattr(checks, "peers_for", lambda method, framework: (known,))
    explaining(app, "saliency")
    button(app, "Compare with captum").click().run()
    assert not app.exception
    assert instant.conditions[-1] == Conditions(peer="captum")
    assert "captum 0.9.0 gives a different map" in text_of(app).replace("\\", "")
    assert "Its rule is biased" in text_of(app)


def test_a_check_that_runs_can_be_seen_and_ends_with_its_question(app: AppTest, instant: InstantRunner) -> None:
    explaining(app)
    instant.holding = True
    button(app, "Try a different seed").click().run()
    assert button(app, "Try a different seed").disabled
    (running,) = (
        job for jobs in app.session_state["workspace"].slot(ClassifierSlot).checks.values() for job in jobs.values()
    )
    assert not running.state.ended
    instant.holding = False
    app.slider(key="rise.samples").set_value(500).run()
    assert running.state.status is Status.CANCELLED


def test_a_check_can_be_stopped_and_repeated(app: AppTest, instant: InstantRunner) -> None:
    explaining(app)
    instant.holding = True
    button(app, "Try a different seed").click().run()
    button(app, "Stop").click().run()
    assert not app.exception
    assert not button(app, "Try a different seed").disabled
    instant.holding = False
    button(app, "Try a different seed").click().run()
    assert "A different seed gives" in text_of(app)


def test_an_answer_from_the_cache_says_so(
    app: AppTest, instant: InstantRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(instant, monkeypatch, lambda job: RememberedJob(Remembered(job.result(), 12.0)))
    explaining(app)
    assert "from the cache, originally 12 s" in text_of(app)


EXACT = Engine("OpenVINO", "float32", 1e-6, 1.0, 27.0, True)
FAST = Engine("OpenVINO", "bfloat16", 0.008, 0.96, 5.0, True)


def test_the_fast_precision_says_how_well_it_agrees_and_is_asked_for(app: AppTest, instant: InstantRunner) -> None:
    instant.known_engines = (EXACT, FAST)
    explaining(app)
    said = text_of(app).replace("\\", "")
    assert "same top class for 96.0% of the trial pictures" in said
    assert "5.0 ms per picture instead of 27.0 ms" in said
    assert "It computes scores and, except in Keras, plain gradients; everything else stays in float32." in said
    app.segmented_control(key="precision").set_value("bfloat16").run()
    assert not app.exception
    assert instant.conditions == [Conditions(), Conditions("bfloat16")]
    app.segmented_control(key="precision").set_value("float32").run()
    assert len(instant.conditions) == 2


def test_without_a_fast_engine_there_is_no_choice(app: AppTest, instant: InstantRunner) -> None:
    instant.known_engines = (EXACT, replace(FAST, used=False, reason="Its answers differ too much."))
    explaining(app, "saliency")
    assert not [one for one in app.segmented_control if one.key == "precision"]


def test_the_model_page_lists_what_runs_the_passes(app: AppTest, instant: InstantRunner) -> None:
    stopped = Engine("Own", "float32", None, None, None, False, "It stopped with an error.")
    instant.known_engines = (EXACT, replace(FAST, used=False, reason="Its answers differ too much."), stopped)
    with_sample(app)
    said = text_of(app).replace("\\", "")
    assert "| ● | OpenVINO | float32 | 27.0 ms | under 0.1% | 100.0% |  |" in said
    assert "|  | OpenVINO | bfloat16 | 5.0 ms | 0.8% | 96.0% | Its answers differ too much. |" in said
    assert "|  | Own | float32 | not measured | not measured | not measured | It stopped with an error. |" in said


def test_a_run_that_goes_takes_its_checks_along(app: AppTest, instant: InstantRunner) -> None:
    explaining(app)
    instant.holding = True
    button(app, "Try a different seed").click().run()
    slot = app.session_state["workspace"].slot(ClassifierSlot)
    (job,) = slot.runs.values()
    (running,) = (check for jobs in slot.checks.values() for check in jobs.values())
    slot.drop(job)
    assert running.state.status is Status.CANCELLED
    assert not slot.checks
