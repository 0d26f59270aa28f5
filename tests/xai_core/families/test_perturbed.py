"""Outputs of perturbed pictures: asked for once, in batches that begin at the same places each time."""

from __future__ import annotations

import numpy as np
from fakes import LinearNetwork, Remembering, model_of, random_image, random_weights

from xai_core.families.perturbed import KNOWN_A_PREVIEW, PerturbedOutputs

IMAGE = random_image()
PICTURES = np.stack([random_image(seed=seed) for seed in range(6)])


def outputs(memory, network=None, image=IMAGE, **settings):
    return PerturbedOutputs(model_of(network or LinearNetwork(random_weights()), memory), image, **settings)


def test_only_rows_beyond_those_remembered_are_made_and_asked_for():
    memory, network = Remembering(), LinearNetwork(random_weights())
    first = outputs(memory, network).rows(0, 4, lambda skip: PICTURES[skip:4])
    again = outputs(memory, network).rows(0, 6, lambda skip: PICTURES[skip:6])
    assert network.asked == [4, 2]
    np.testing.assert_array_equal(again[:4], first)
    np.testing.assert_allclose(again, network.forward(PICTURES), rtol=1e-6)


def test_what_is_remembered_needs_no_pictures():
    memory = Remembering()
    first = outputs(memory).rows(0, 6, lambda skip: PICTURES[skip:])
    np.testing.assert_array_equal(outputs(memory).rows(2, 4, lambda skip: PICTURES[:0]), first[2:4])


def test_other_settings_and_other_pictures_share_nothing():
    memory = Remembering()
    for image, settings in ((IMAGE, {"grid": 7}), (IMAGE, {"grid": 8}), (PICTURES[2], {"grid": 7})):
        outputs(memory, image=image, **settings).rows(0, 1, lambda skip: PICTURES[:1])
    assert [len(ledger) for ledger in memory.ledgers.values()] == [1, 1, 1]


def test_without_a_memory_each_run_asks_anew():
    network = LinearNetwork(random_weights())
    for _ in range(2):
        run = outputs(None, network)
        run.rows(0, 3, lambda skip: PICTURES[:3])
        run.rows(3, 6, lambda skip: PICTURES[3:])
    assert network.asked == [3, 3, 3, 3]


def test_every_batch_with_new_rows_is_worth_a_preview():
    assert list(outputs(None).batches(0, 10, 4)) == [(0, 4, True), (4, 8, True), (8, 10, True)]


def test_known_rows_are_shown_seldom_and_at_the_end():
    memory = Remembering()
    many = 3 * KNOWN_A_PREVIEW // 2
    memory.ledger(_only_key(memory), 3).append(np.zeros((many, 3), np.float32))
    shown = [stop for _, stop, worth in outputs(memory).batches(0, many, 4) if worth]
    assert shown == [KNOWN_A_PREVIEW, many]


def _only_key(memory):
    outputs(memory)
    return next(iter(memory.ledgers))
