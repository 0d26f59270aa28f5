"""The sample history is what its script records."""

from __future__ import annotations

import numpy as np
import pytest

from samples.digits import mnist
from samples.training import record
from vitrine.samples import sample_histories
from xai_core.training.measures import epoch_measures, instance_measures
from xai_core.training.reading import read_history


@pytest.fixture(scope="module")
def history():
    (sample,) = sample_histories()
    return sample.history()


def test_the_sample_is_small_and_shows_pictures_that_were_learnt_late_and_forgotten(history):
    assert record.HISTORY.stat().st_size < 400_000
    assert (history.predictions.shape, history.pictures.shape) == ((600, 20), (600, 28, 28, 3))
    measures, accuracy = instance_measures(history), epoch_measures(history).accuracy
    assert (measures.forgetting > 2).sum() > 50
    assert (measures.first_correct > 3).sum() > 20
    assert accuracy.max() > 0.8 > accuracy[-1]


def test_the_accuracy_that_was_logged_is_that_of_the_predictions(history):
    np.testing.assert_allclose(history.curves["val_acc"], epoch_measures(history).accuracy, atol=1e-6)


def test_recording_begins_as_the_sample_does(history, assets, tmp_path):
    digits = mnist.load(assets / "datasets" / "mnist" / "mnist_train10k_test10k.npz")
    record.record(digits, tmp_path / "again.npz", epochs=1)
    again = read_history((tmp_path / "again.npz").read_bytes(), "again")
    np.testing.assert_array_equal(again.pictures, history.pictures)
    np.testing.assert_array_equal(again.actual, history.actual)
    assert (again.predictions[:, 0] == history.predictions[:, 0]).mean() > 0.95  # other processors round otherwise


def test_a_share_of_the_labels_is_replaced_by_another_digit():
    labels = np.arange(10).repeat(500)
    replaced = record.with_wrong_labels(labels, np.random.default_rng(1))
    assert (replaced != labels).mean() == pytest.approx(record.WRONG_LABELS, abs=0.02)
    assert set(np.unique(replaced)) <= set(range(10))
