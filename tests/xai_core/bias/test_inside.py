from __future__ import annotations

import numpy as np
import pytest

from xai_core.bias.attackers import ATTACKERS, by_network
from xai_core.bias.inside import folded, leakage, mean_size, pooled, probes, projection_bias, sensitivity_bias
from xai_core.bias.progress import ignore_progress
from xai_core.bias.settings import Attack
from xai_core.errors import DataError


def test_the_case_of_leakage(case):
    given, expected = case("model_leakage")
    assert [folded(one) for one in given["probe_accuracy"]] == pytest.approx(expected["leakage_0.5_plus_abs"])


def test_the_case_of_projection_bias(case):
    given, expected = case("projection_bias")
    rows = np.array(given["probe_weights_rows"])
    towards = rows[given["attr_pos_row"]] - rows[given["attr_neg_row"]]
    assert towards.tolist() == expected["nu"]
    biases = projection_bias(rows[given["class_rows"]], towards)
    assert biases == pytest.approx(expected["projection_bias"], abs=1e-9)
    assert mean_size(biases) == pytest.approx(expected["mean_abs"], abs=1e-9)


@pytest.fixture
def revealing(predictions):
    """Predictions whose probabilities reveal the colour, while neither the true nor the predicted class does."""
    random = np.random.default_rng(0)
    truth, colour = random.integers(0, 2, 400), random.integers(0, 2, 400)
    sure = np.where(colour, 0.95, 0.65)
    probabilities = np.where(truth[:, None] == [0, 1, 2], sure[:, None], (1 - sure[:, None]) / 2)
    probabilities[:, 2] += np.where(colour, 0.02, -0.1)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return predictions(truth, probabilities=probabilities, colour=np.where(colour, "red", "blue"))


def test_what_only_the_probabilities_reveal_is_the_models_leakage(revealing):
    found = leakage(revealing, "colour")
    assert found.model == 1
    assert found.chance == 0.5
    assert found.labels < 0.56
    assert found.predictions == found.labels


def test_what_the_labels_reveal_is_reported_separately(predictions):
    truth = np.arange(200) % 2
    found = leakage(predictions(truth, truth, colour=np.where(truth, "red", "blue")), "colour")
    assert (found.model, found.predictions, found.labels) == (None, 1, 1)


def test_logits_are_used_if_they_are_given(revealing):
    noise = np.random.default_rng(1).normal(size=(400, 3)).astype(np.float32)
    assert leakage(revealing, "colour", noise).model < 0.6


@pytest.fixture
def non_linear(predictions):
    """Predictions whose colour depends on whether two logits have the same sign, and those logits."""
    logits = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    colour = np.where(logits[:, 0] * logits[:, 1] > 0, "red", "blue")
    return predictions(np.arange(500) % 3, np.arange(500) % 3, colour=colour), logits


def test_a_network_finds_non_linear_leakage(non_linear):
    found, logits = non_linear
    line = leakage(found, "colour", logits)
    network = leakage(found, "colour", logits, Attack(attacker="MLP"))
    assert (line.attacker, network.attacker) == ("linear", "MLP")
    assert line.model < 0.6
    assert network.model > 0.9
    assert network.labels == line.labels


def test_a_network_learns_nothing_from_noise(revealing):
    noise = np.random.default_rng(1).normal(size=(400, 3)).astype(np.float32)
    assert leakage(revealing, "colour", noise, Attack(attacker="MLP")).model < 0.6


def test_a_network_weights_all_values_equally():
    random = np.random.default_rng(0)
    values = np.array(["red"] * 285 + ["blue"] * 15)
    features = random.normal(0, 1, (300, 1)) + (values == "blue")[:, None] * 1.5
    predicted = by_network(features, values, features, ignore_progress)
    assert (by_network(features, values, features, ignore_progress) == predicted).all()
    assert (predicted[values == "blue"] == "blue").mean() > 0.7  # without weights all would be predicted as red


@pytest.mark.parametrize(
    "attacker", [pytest.param(name, marks=pytest.mark.long if name == "MLP" else ()) for name in ATTACKERS]
)
def test_an_attack_reports_its_progress(revealing, attacker):
    shares = []
    leakage(revealing, "colour", attack=Attack(attacker=attacker), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) >= 5


def test_the_progress_callback_can_stop_an_attack(revealing):
    shares = []

    def stop(share):
        shares.append(share)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        leakage(revealing, "colour", attack=Attack(attacker="MLP"), progress=stop)
    assert len(shares) == 1
    assert shares[0] < 0.05


def test_rare_values_are_left_out_and_chance_depends_on_the_number_of_values(predictions):
    colour = ["red"] * 40 + ["blue"] * 40 + ["green"] * 40 + ["pink"] * 4 + [""]
    truth = np.repeat([0, 1, 2, 0], [40, 40, 40, 5])
    found = leakage(predictions(truth, truth * 0, classes=3, colour=colour), "colour")
    assert found.values == ("blue", "green", "red")
    assert found.left_out == ("pink",)
    assert (found.samples, found.chance) == (120, 1 / 3)
    assert (found.labels, found.predictions) == (1, None)


def test_all_values_have_equal_weight_however_rare(predictions):
    colour = np.array(["red"] * 190 + ["blue"] * 10)
    truth = np.random.default_rng(0).integers(0, 2, 200)
    assert (
        leakage(predictions(truth, truth, colour=colour), "colour").labels < 0.7
    )  # 0.95 if every picture had equal weight


@pytest.mark.parametrize(("name", "sentence"), [("colour", "1 value of colour has that many"), ("age", "no attribute")])
def test_attributes_that_cannot_be_predicted_are_refused(predictions, name, sentence):
    found = predictions([0, 1] * 5, [0, 1] * 5, colour=["red"] * 9 + ["blue"])
    with pytest.raises(DataError, match=sentence):
        leakage(found, name)


def test_probes_recover_the_directions_of_the_activations():
    random = np.random.default_rng(0)
    truth, colour = random.integers(0, 3, 600), random.integers(0, 2, 600)
    activations = random.normal(0, 0.3, (600, 6)).astype(np.float32)
    activations[np.arange(600), truth] += 2
    activations[:, 4] += 2 * colour
    activations[:, 0] += colour * (truth == 0)
    found = probes(activations * 50 + 7, truth, 4, np.where(colour, "red", "blue"))
    assert found.classes[:3, :3].argmax(axis=1).tolist() == [0, 1, 2]
    assert np.isnan(found.classes[3]).all()
    towards = found.towards("red", "blue")
    assert np.abs(towards).argmax() == 4
    assert towards[4] > 0
    biases = projection_bias(found.classes, towards)
    assert biases[3] is None
    assert mean_size(biases) == pytest.approx(np.mean([abs(one) for one in biases[:3]]))


def test_pictures_of_unknown_value_are_left_out_of_its_probes():
    activations = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    values = np.array(["a", "b", "", "a", "b"] * 10)
    found = probes(activations, np.arange(50) % 2, 2, values)
    assert set(found.values) == {"a", "b"}
    np.testing.assert_allclose(found.values["a"], -found.values["b"], rtol=1e-3, atol=1e-3)


def test_the_scale_of_activations_changes_no_direction():
    random = np.random.default_rng(2)
    activations, truth, values = random.normal(size=(80, 4)), random.integers(0, 2, 80), random.choice(["a", "b"], 80)
    small, large = (probes((activations * size).astype(np.float32), truth, 2, values) for size in (1, 1024))
    np.testing.assert_allclose(small.classes, large.classes, rtol=1e-5)


def test_sensitivity_is_the_mean_cosine_and_a_zero_gradient_counts_as_0():
    towards = np.array([3.0, 4.0])
    gradients = np.array([[3, 4], [-3, -4], [4, -3], [0, 0], [6, 8]], np.float32)
    biases = sensitivity_bias(gradients, np.array([0, 1, 1, 2, 2]), towards, 4)
    assert biases == [pytest.approx(1), pytest.approx(-0.5), pytest.approx(0.5), None]


def test_a_layer_is_pooled_over_space():
    values = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    assert pooled(values).tolist() == [[10, 11, 12, 13]]


def test_the_mean_size_ignores_undefined_biases():
    assert mean_size([None, None]) is None
    assert mean_size([-0.5, None, 0.25]) == 0.375
