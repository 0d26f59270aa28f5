"""Predictions of one label of a model that predicts several, and of one side of a single output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.colour_sets import COLOURS, ColourRunner, picture_set, prepared
from xai_core.services.bias_predictions import matched_with, predict_in_background
from xai_core.services.results_cache import ResultsCache


def test_a_label_of_several_is_judged_at_its_threshold(tmp_path):
    cache = ResultsCache(tmp_path / "results", 1 << 24)
    usual, pictures = prepared(), picture_set()
    model = replace(usual, card=replace(usual.card, head="sigmoid"), threshold=0.5)
    red = np.flatnonzero(pictures.actual == "red")
    reds = {}
    for threshold in (0.5, 0.9):
        runner = ColourRunner(answer=lambda means: means)
        job = predict_in_background(runner, replace(model, threshold=threshold), pictures, cache, label=0)
        reds[threshold] = job.result(120)
    assert (reds[0.5].name, reds[0.5].labels) == ("colours.onnx, red", ("not red", "red"))
    np.testing.assert_array_equal(np.flatnonzero(reds[0.5].truth), red)
    np.testing.assert_array_equal(reds[0.5].predicted, reds[0.5].truth)
    assert not reds[0.9].predicted.any()
    np.testing.assert_allclose(reds[0.9].probabilities[red, 1], 200 / 255, rtol=1e-5)
    assert "red is predicted if its probability is at least 0.9." in reds[0.9].notes


def test_a_threshold_decides_between_the_sides_of_a_single_output():
    usual = prepared(["not red", "red"])
    model = replace(usual, card=replace(usual.card, head="sigmoid", both_sides=True), threshold=0.9)
    runner = ColourRunner(answer=lambda means: np.stack([1 - means[:, 0], means[:, 0]], axis=1))
    found = predict_in_background(runner, model, picture_set(labels=("not red", "red"))).result(120)
    assert not found.predicted.any()
    assert "red is predicted if its probability is at least 0.9." in found.notes


def test_a_job_knows_its_label_if_the_model_predicts_several():
    usual, runner = prepared(), ColourRunner()
    several = replace(usual, card=replace(usual.card, head="sigmoid"))
    jobs = [predict_in_background(runner, model, picture_set(), label=0) for model in (several, usual)]
    assert [job.label for job in jobs] == [0, None]
    assert [job.result(120).labels for job in jobs] == [("not red", "red"), COLOURS]


def test_a_label_with_a_comma_is_not_a_different_label():
    pictures = picture_set(labels=("crane", "crane, bird"))
    found = matched_with(pictures, "crane", ("crane", "crane, bird"))
    assert found.truth.tolist() == (pictures.actual == "crane").tolist()
