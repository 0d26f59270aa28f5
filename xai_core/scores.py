"""How the outputs of a network become scores: of classes that exclude each other or not, numbers, or similarities.

head       the outputs are                                        probability
softmax    logits of classes of which one is right                softmax over all classes
sigmoid    logits of classes that are independent of each other   sigmoid, class by class
none       numbers, such as an age or a length (regression)       there is none
similarity an embedding; the scores are cosines to references     there is none
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from xai_core.ends import End
from xai_core.errors import MissingCapability, ParamError
from xai_core.network import Network
from xai_core.types import Card, Floats, Head, Score

Scoring = Literal["", "softmax", "sigmoid", "none", "similarity"]
THRESHOLD = 0.5
MOST_EXPLAINED = 5
IN_WORDS: dict[Head, str] = {
    "softmax": "scores of classes, exactly one of which is right (softmax)",
    "sigmoid": "scores of classes, several of which may be right (sigmoid)",
    "none": "numbers, not classes (regression)",
    "similarity": "an embedding (similarity to a reference picture)",
}
NO_PROBABILITY: dict[Head, str] = {
    "none": "This model's outputs are read as numbers, not as classes, so there is no probability.",
    "similarity": "This model's outputs are read as an embedding, so there is no probability.",
}
NO_LOGIT = "This model ends in probabilities, and its logits are not accessible. Explain the probability instead."
NO_REFERENCE = "The score of an embedding is its similarity to a reference picture; add one first."
ALONE = "The softmax of a single output is always 1. Choose sigmoid for a class and its opposite, or none for a number."
ENDS_SO = "The model ends in a {0} that cannot be removed, so its outputs stay probabilities."


def has_probabilities(card: Card) -> bool:
    """Whether the scores of a model's classes can be read as probabilities."""
    return card.head not in NO_PROBABILITY


def is_multi_label(card: Card) -> bool:
    """Whether several classes, or none, may be right at once."""
    return card.head == "sigmoid" and not card.both_sides and card.classes > 1


def shown_score(card: Card) -> Score:
    """Return the score that predictions show: the probability where there is one, otherwise the output itself."""
    return "probability" if has_probabilities(card) else "logit"


def as_score(raw: Floats, card: Card, score: Score) -> Floats:
    """Turn a model's raw outputs (N, K) into logits or probabilities of the same shape.

    Where outputs are numbers, "logit" stands for the output itself. MissingCapability says why a score is missing.
    """
    if card.head == "similarity":
        raise MissingCapability(NO_REFERENCE)
    if card.head == "none" and score == "probability":
        raise MissingCapability(NO_PROBABILITY[card.head])
    if card.gives == score:
        return raw
    if score == "logit":
        raise MissingCapability(NO_LOGIT)
    return squashed(raw, card.head)


def squashed(logits: Floats, head: Head) -> Floats:
    """Return the softmax or sigmoid of logits (N, K)."""
    if head == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


def predicted(scores: Floats, card: Card, threshold: float = THRESHOLD) -> list[int]:
    """Return the classes that a picture is predicted to have, the best first; none if all are below the threshold.

    scores: (K,), as `shown_score` names them. The threshold, a probability, counts only where classes are independent;
    of the two sides of a single output, the second is predicted from the threshold on.
    """
    if card.both_sides:
        return [int(scores[1] >= threshold)]
    best = [int(n) for n in np.argsort(-scores, kind="stable")]
    return [n for n in best if scores[n] >= threshold] if is_multi_label(card) else best[:1]


def in_words(score: float, card: Card) -> str:
    """Return a score as text: a probability in percent, any other with three significant digits."""
    return f"{score:.1%}" if has_probabilities(card) else f"{score:.3g}"


def explained(scores: Floats, card: Card, threshold: float = THRESHOLD) -> list[int]:
    """Return the classes that are explained if none is chosen: those predicted, at most five; the best if none is.

    scores: (K,), as for `predicted`.
    """
    return predicted(scores, card, threshold)[:MOST_EXPLAINED] or [int(scores.argmax())]


def assumption(card: Card) -> str:
    """Return what is assumed about the outputs, as a sentence; "" if the file or the user says it."""
    if card.head_known:
        return ""
    if card.both_sides:
        return (
            "The model has a single output, which is read through a sigmoid: above 0.5 means the second class, below "
            "0.5 the first. If it is a number, such as an age, choose numbers instead."
        )
    if card.gives == "probability":
        return "The outputs lie between 0 and 1 without adding up to 1, so each is read as an independent probability."
    if card.head == "sigmoid":
        return "The file does not say how its outputs become probabilities. A sigmoid for each class is assumed."
    return (
        "The file does not say how its outputs become probabilities. A softmax is assumed, so exactly one class is "
        "right. If several may be right at once, choose sigmoid."
    )


def read_as(network: Network, scoring: Scoring) -> Network:
    """Return a network whose card reads its outputs as chosen; "" follows the file, or else what is usual.

    A single output that is no number becomes two classes, so that both sides can be named and explained. ParamError if
    the choice makes no sense for the network.
    """
    if network.card.outputs:
        return network
    if scoring:
        network.read_as(_chosen(network.card, scoring))
    card = network.card
    if card.classes != 1 or not has_probabilities(card):
        return network
    network = network.ended(End("both sides" if card.gives == "logit" else "complement"))
    network.read_as(replace(network.card, classes=2, both_sides=True))
    return network


def _chosen(card: Card, scoring: Head) -> Card:
    if scoring not in get_args(Head):
        raise ParamError(f"Outputs are read as one of {', '.join(get_args(Head))}; got {scoring!r}.")
    if scoring == card.head:
        return replace(card, head_known=True, doubt="")
    if card.gives == "probability" and card.head_known:
        raise ParamError(ENDS_SO.format(card.head))
    if scoring == "softmax" and card.classes == 1:
        raise ParamError(ALONE)
    return replace(card, gives="logit", head=scoring, head_known=True, doubt="")


def with_references(network: Network, embeddings: Floats) -> Network:
    """Return an embedding network whose scores are the cosines to embeddings (R, K) of reference pictures."""
    made = network.ended(End("similarity", np.ascontiguousarray(embeddings, np.float32)))
    made.read_as(similarity_card(made.card, len(embeddings)))
    return made


def similarity_card(card: Card, references: int) -> Card:
    """Return the card of an embedding network once it is compared with some reference pictures."""
    return replace(card, classes=references, head="none", labels=())


def sides_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of both sides of a single output: two labels, or "not X" and "X" for one."""
    if len(labels) == 1:
        return f"not {labels[0]}", labels[0]
    return tuple(labels)
