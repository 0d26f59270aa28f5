"""How outputs become scores, on networks whose outputs are worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes import LinearNetwork, random_weights
from xai_core.ends import End
from xai_core.errors import MissingCapability, ParamError
from xai_core.labels import labels_for, read_labels
from xai_core.network import Network
from xai_core.scores import (
    as_score,
    assumption,
    has_probabilities,
    is_multi_label,
    predicted,
    read_as,
    shown_score,
    similarity_card,
)
from xai_core.types import Card

CARD = LinearNetwork(random_weights(3)).card
ROWS = np.array([[0.0, 2.0, -2.0]], np.float32)


class Ending(LinearNetwork):
    """A linear network that takes an end."""

    end: End | None = None

    def ended(self, end: End) -> Network:
        self.end = end
        return self


def test_a_softmax_compares_classes_and_a_sigmoid_judges_each_alone():
    softmax = as_score(ROWS, CARD, "probability")
    sigmoid = as_score(ROWS, replace(CARD, head="sigmoid"), "probability")
    assert np.allclose(softmax, [[0.1173, 0.8668, 0.0159]], atol=1e-4)
    assert np.allclose(sigmoid, [[0.5, 0.8808, 0.1192]], atol=1e-4)


def test_numbers_have_no_probability_and_the_output_itself_is_the_score():
    numbers = replace(CARD, head="none")
    assert as_score(ROWS, numbers, "logit") is ROWS
    assert (shown_score(numbers), has_probabilities(numbers)) == ("logit", False)
    with pytest.raises(MissingCapability, match="read as numbers, not as classes, so there is no probability"):
        as_score(ROWS, numbers, "probability")


def test_an_embedding_has_no_score_before_there_is_a_reference():
    with pytest.raises(MissingCapability, match="similarity to a reference picture; add one first"):
        as_score(ROWS, replace(CARD, head="similarity"), "logit")


def test_independent_classes_are_predicted_from_the_threshold_on():
    scores, card = np.array([0.2, 0.9, 0.5], np.float32), replace(CARD, head="sigmoid")
    assert is_multi_label(card)
    assert [predicted(scores, card, threshold) for threshold in (0.1, 0.5, 0.95)] == [[1, 2, 0], [1, 2], []]
    assert predicted(scores, CARD, 0.95) == [1]


def test_of_both_sides_exactly_one_is_predicted():
    sides = replace(CARD, classes=2, head="sigmoid", both_sides=True)
    scores = np.array([0.4, 0.6], np.float32)
    assert not is_multi_label(sides)
    assert [predicted(scores, sides, threshold) for threshold in (0.5, 0.7)] == [[1], [0]]


def test_a_single_logit_becomes_two_classes_with_names():
    card = read_as(Ending(random_weights(1)), "").card
    assert (card.classes, card.both_sides) == (2, True)
    assert labels_for(card) == ("class 0", "class 1")
    assert labels_for(replace(card, labels=("dog",))) == ("not dog", "dog")
    assert labels_for(replace(card, labels=("cat", "dog"))) == ("cat", "dog")
    assert read_labels(b"dog", 2, both_sides=True) == ("not dog", "dog")


def test_a_single_number_stays_one():
    network = read_as(Ending(random_weights(1)), "none")
    assert (network.card.classes, network.card.head, network.card.head_known) == (1, "none", True)
    assert labels_for(network.card) == ("output 0",)


def test_what_a_file_states_is_not_assumed_and_the_rest_is_said():
    assert assumption(replace(CARD, head_known=True)) == ""
    assert "exactly one class is right. If several may be right at once, choose sigmoid." in assumption(CARD)
    assert "read as an independent probability" in assumption(replace(CARD, gives="probability", head="sigmoid"))
    assert assumption(read_as(LinearNetwork(random_weights(3)), "sigmoid").card) == ""


@pytest.mark.parametrize(
    ("card", "scoring", "message"),
    [
        (replace(CARD, classes=1, head="sigmoid"), "softmax", "softmax of a single output is always 1"),
        (replace(CARD, gives="probability", head_known=True), "sigmoid", "ends in a softmax that cannot be removed"),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(card: Card, scoring, message):
    network = LinearNetwork(random_weights(3))
    network.card = card
    with pytest.raises(ParamError, match=message):
        read_as(network, scoring)


def test_ends_make_sides_complements_and_cosines():
    assert np.array_equal(End("both sides").of(ROWS[:, 1:2]), [[-2, 2]])
    assert np.allclose(End("complement").of(np.array([[0.25]], np.float32)), [[0.75, 0.25]])
    references = np.array([[0.0, 1.0, -1.0], [0.0, -3.0, 3.0], [5.0, 0.0, 0.0]], np.float32)
    assert np.allclose(End("similarity", references).of(ROWS), [[1, -1, 0]], atol=1e-6)
    assert (similarity_card(CARD, 3).head, similarity_card(CARD, 3).classes) == ("none", 3)
