"""A model file is opened in a worker and asked."""

from __future__ import annotations

import gc
import json

import numpy as np
import pytest

import vitrine
from tests.small_net import LABELS, SIDE
from xai_core.trust import honesty


def test_predictions_name_the_best_classes_first(loaded, picture_file):
    predictions = loaded.predict([picture_file, picture_file])
    assert predictions.probabilities.shape == (2, 4)
    assert np.allclose(predictions.probabilities.sum(1), 1, atol=1e-6)
    top = predictions.top(2)
    assert [row["picture"] for row in top.rows] == ["noise.png"] * 4
    assert top.rows[0]["probability"] == pytest.approx(predictions.probabilities[0].max())
    assert predictions.predicted[0] == top.rows[0]["label"]
    assert "noise.png" in repr(predictions)
    assert "<table>" in predictions._repr_html_()
    assert predictions.to_dataframe().shape == (2, 4)


def test_certainty_of_the_same_class_for_every_picture_is_a_warning(loaded, picture_file, monkeypatch):
    assert loaded.predict([picture_file] * 2).warning == ""  # too few to prove anything
    monkeypatch.setattr(honesty, "SATURATED", 0.0)
    predictions = loaded.predict([picture_file] * 3)
    assert f"each of the 3 pictures shows {predictions.predicted[0]}." in predictions.warning


def test_an_explanation_is_written_as_the_command_line_writes_it(loaded, picture_file, tmp_path):
    explanation = loaded.explain("occlusion", picture_file, target=["dog", 3], patch=8, stride=8)
    names = {path.name for path in explanation.save(tmp_path / "answer")}
    assert names == {"attribution.npy", "overlay.png", "attribution-3.npy", "overlay-3.png", "manifest.json"}
    assert np.array_equal(np.load(tmp_path / "answer/attribution.npy"), explanation.map)
    manifest = json.loads((tmp_path / "answer/manifest.json").read_text("utf-8"))
    assert (manifest["target"], manifest["parameters"]["patch"]) == (1, 8)
    assert explanation.targets == ("dog (1)", "fox (3)")


def test_the_predicted_class_is_explained_where_none_is_named(loaded, picture_file):
    explanation = loaded.explain("saliency", picture_file)
    assert explanation.targets[0].startswith(loaded.predict(picture_file).predicted[0])


def test_a_notebook_shows_the_photo_beside_the_map_with_its_figures(loaded, picture_file):
    explanation = loaded.explain("rise", picture_file, target="cat", samples=200)
    html = explanation._repr_html_()
    assert "RISE: cat (0)" in html
    assert "noise" in html
    assert html.count("<img") == 1
    assert explanation._repr_png_().startswith(b"\x89PNG")
    row = explanation.image()
    assert row.width > 2 * 30
    assert explanation.to_dataframe().loc[0, "noise"] == pytest.approx(explanation.noise[0])


@pytest.mark.parametrize("in_a_notebook", [True, False])
def test_an_explanation_is_shown_below_the_cell_or_in_the_viewer(loaded, picture_file, monkeypatch, in_a_notebook):
    notebook = pytest.importorskip("IPython")
    shown = []
    monkeypatch.setattr(notebook, "get_ipython", lambda: in_a_notebook or None)
    monkeypatch.setattr("IPython.display.display", shown.append)
    monkeypatch.setattr("vitrine.explanation.show_in_viewer", shown.append)
    explanation = loaded.explain("saliency", picture_file, target="cat")
    explanation.show()
    assert shown == [explanation if in_a_notebook else explanation.image()]


def test_warnings_are_among_the_notes(loaded, picture_file):
    notes = loaded.explain("eigen_cam", picture_file, target="cat").notes
    assert any("the same map for every class" in note for note in notes)


def test_a_method_may_be_an_id_a_class_or_an_instance(loaded, picture_file):
    maps = [
        loaded.explain("occlusion", picture_file, target=1, patch=8, stride=8).map,
        loaded.explain(vitrine.Occlusion, picture_file, target=1, patch=8, stride=8).map,
        loaded.explain(vitrine.Occlusion(patch=8, stride=8), picture_file, target=1).map,
    ]
    assert np.array_equal(maps[0], maps[1])
    assert np.array_equal(maps[0], maps[2])


def test_layers_are_given_as_names_or_lists_of_names(loaded, picture_file):
    name = loaded.layers[-1]
    one, several = (loaded.explain("grad_cam", picture_file, target=1, layers=layers) for layers in (name, [name]))
    assert np.array_equal(one.map, several.map)


def test_filters_change_the_map_and_are_recorded(loaded, picture_file):
    words = {"target": 1, "patch": 8, "stride": 8}
    plain = loaded.explain("occlusion", picture_file, **words)
    absolute = loaded.explain("occlusion", picture_file, filters=["absolute"], **words)
    assert np.array_equal(absolute.map, np.abs(plain.map))
    assert absolute.record["filters"][0]["filter"] == "absolute"


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({"method": "grad_camm"}, "There is no method called 'grad_camm'"),
        ({"method": "occlusion", "path": 3}, "no parameter 'path'"),
        ({"method": "occlusion", "target": "unicorn"}, "There is no class 'unicorn'"),
        ({"method": "grad_cam", "layers": "nowhere"}, "Layers must be one of"),
        ({"method": "drise"}, "explains the boxes of detectors"),
        ({"method": "saliency", "box": 1}, "finds no boxes"),
        ({"method": "attention_rollout"}, "needs attention weights"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_sentence(loaded, picture_file, question, sentence):
    with pytest.raises(vitrine.VitrineError, match=sentence):
        loaded.explain(picture=picture_file, **question)


def test_parameters_go_with_the_instance_or_with_explain_and_never_both(loaded, picture_file):
    with pytest.raises(vitrine.ParamError, match="add stride to it"):
        loaded.explain(vitrine.Occlusion(patch=8), picture_file, stride=4)


def test_progress_is_one_line_at_a_time(loaded, picture_file):
    lines = []
    loaded.explain("rise", picture_file, samples=3000, cache=False, progress=lines.append)
    assert lines[-1] == ""
    assert all("\n" not in line for line in lines)


def test_the_methods_of_a_model_say_why_one_is_not_possible(loaded):
    rows = {row["id"]: row for row in loaded.methods().rows}
    assert rows["grad_cam"]["possible"]
    assert "attention" in rows["attention_rollout"]["reason"]


def test_a_model_that_nothing_refers_to_gives_its_process_back(script_file, picture_file):
    model = vitrine.load(script_file, preprocessing={"height": SIDE, "width": SIDE})
    runner, source = model._runners.plain, model._source
    assert runner.loaded(source)
    del model
    gc.collect()
    assert not runner.loaded(source)


def test_a_file_that_is_missing_or_no_model_is_a_sentence(tmp_path):
    with pytest.raises(vitrine.ModelError, match=r"no model file called gone\.onnx"):
        vitrine.load(tmp_path / "gone.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(vitrine.ModelError):
        vitrine.load(tmp_path / "text.onnx")


def test_a_task_is_one_of_three(script_file):
    with pytest.raises(vitrine.ParamError, match="'classify', 'detect' or 'segment'"):
        vitrine.load(script_file, task="pose")


def test_a_model_describes_itself(loaded):
    assert "Classifier small.pt: pytorch (torchscript), 4 classes" in repr(loaded)
    assert loaded.labels == LABELS
