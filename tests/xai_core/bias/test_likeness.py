"""Columns that look like true classes, predictions and probabilities are proposed, with reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.xai_core.bias.people import ACCURACY, csv, people
from xai_core.bias.likeness import guessed
from xai_core.bias.proposing import propose
from xai_core.bias.reading import read_predictions
from xai_core.bias.table_files import read_table

TABLE = people()
CAT, DOG = TABLE["prob_cat"], TABLE["prob_golden retriever"]
BARE = TABLE[["y_true", "sex"]]
NUMBERED = BARE.replace({"cat": 0, "golden retriever": 1})


def with_scores(cat: str, dog: str, scale: float = 1) -> pd.DataFrame:
    return BARE.assign(**{cat: CAT * scale, dog: DOG * scale})


def titled(truth: str, predicted: str) -> pd.DataFrame:
    return TABLE[["sex", "y_true", "y_pred"]].rename(columns={"y_true": truth, "y_pred": predicted})


SEEN = {
    "titled": titled("True Label", "Predicted Label"),
    "ground truth": titled("ground_truth", "prediction"),
    "target": titled("target", "y_hat"),
    "label": titled("label", "predicted"),
    "camel case": titled("trueLabel", "predLabel"),
    "several lines": titled("True\nLabel", "Predicted\nLabel"),
    "no name that helps": titled("A", "B"),
    "brackets": with_scores("P(cat)", "P(golden retriever)"),
    "behind": with_scores("cat_prob", "golden_retriever_prob"),
    "numbers": with_scores("proba_0", "proba_1"),
    "numbers from 1": with_scores("class_1", "class_2"),
    "probability of": with_scores("Probability of Cat", "Probability of Golden Retriever"),
    "percent": with_scores("prob_cat", "prob_golden retriever", 100),
    "percent in the name": with_scores("cat (%)", "golden retriever (%)", 100),
    "one score": NUMBERED.assign(score=DOG),
    "one probability": NUMBERED.assign(y_prob=DOG),
    "one percentage": NUMBERED.assign(probability=DOG * 100),
    "one named column": BARE.assign(**{"P(cat)": CAT}),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_table_is_read_as_proposed(name):
    data = csv(SEEN[name])
    proposal = propose(data)
    assert (proposal.fault, proposal.pictures, proposal.accuracy) == ("", 40, pytest.approx(ACCURACY["all"]))
    assert (len(proposal.classes), len(proposal.preview), bool(proposal.reasons)) == (2, 6, True)
    assert ("y_pred (most probable)" in proposal.preview[0]) == ("y_pred" not in proposal.roles)
    found = read_predictions(data, "x", columns=proposal.roles, repairs=proposal.repairs)
    assert list(found.attributes) == ["sex"]


@pytest.mark.parametrize(
    ("name", "roles", "percent"),
    [
        ("titled", {"y_true": "True Label", "y_pred": "Predicted Label"}, False),
        ("brackets", {"y_true": "y_true", "prob_cat": "P(cat)", "prob_golden retriever": "P(golden retriever)"}, False),
        ("numbers", {"y_true": "y_true", "prob_cat": "proba_0", "prob_golden retriever": "proba_1"}, False),
        ("one percentage", {"y_true": "y_true", "prob_1": "probability"}, True),
    ],
)
def test_each_role_has_its_column(name, roles, percent):
    guess = guessed(read_table(csv(SEEN[name]), ""))
    assert (guess.roles, guess.percent) == (roles, percent)


def test_classes_that_never_occur_are_found_by_how_their_columns_are_written():
    table = pd.DataFrame({"y_true": ["a", "b"], "P(a)": [0.5, 0.2], "P(b)": [0.2, 0.5], "P(c)": [0.3, 0.3]})
    assert propose(csv(table)).classes == ("a", "b", "c")


def test_a_true_class_that_was_chosen_stays():
    table = titled("true_label", "pred").assign(other=np.roll(TABLE["y_true"], 1))
    proposal = propose(csv(table), roles={"y_true": "other"})
    assert (proposal.roles["y_true"], proposal.roles["y_pred"]) == ("other", "pred")


def test_what_cannot_be_proposed_says_what_is_missing():
    proposal = propose(b"height,width\n1.5,2\n2.5,3\n")
    assert (proposal.roles, proposal.names) == ({}, ("height", "width"))
    assert proposal.fault.startswith("The true classes are missing.")


def test_columns_as_documented_need_no_choice():
    proposal = propose(csv(TABLE))
    assert (proposal.is_as_documented, proposal.fault) == (True, "")
    assert not propose(csv(SEEN["titled"])).is_as_documented
