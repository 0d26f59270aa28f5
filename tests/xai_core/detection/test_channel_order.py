"""The order of channels: exactly the share, a few of each level first, then those that promise most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_fakes import SIDE, channel_detector, spots, targets_of

from xai_core.detection.channel_order import TRIED, ChannelOrder

SIZE = (SIDE, SIDE)
TARGETS = targets_of(spots())
FIRST = TARGETS[:1]


def order_of(maps, targets=FIRST, percent=100.0):
    return ChannelOrder(maps, targets, SIZE, percent)


def level(activities, side=8):
    """A level whose channels are active everywhere, each as much as said."""
    return np.broadcast_to(np.array(activities, np.float32), (side, side, len(activities))).copy()


def settled(order, moved):
    """The order after each of the channels tried has moved the box by so much."""
    order.settle(np.array(moved, np.float32)[:, None])
    return order.channels.tolist()


@pytest.mark.parametrize("share", range(1, 101))
def test_every_whole_share_of_a_hundred_channels_is_that_many_channels(share):
    order = order_of([np.random.default_rng(0).random((4, 4, 100), np.float32)], percent=float(share))
    order.settle(np.ones((order.tried, 1), np.float32))
    assert len(order) == len(np.unique(order.channels, axis=0)) == share


@pytest.mark.parametrize(("share", "count"), [(1.0, 1), (10.0, 1), (11.0, 2), (50.0, 5), (99.0, 10)])
def test_a_fractional_count_is_rounded_up(share, count):
    assert len(order_of(channel_detector().features, percent=share)) == count


def test_the_most_active_channels_of_each_level_come_first_alternately():
    order = order_of([level([1, 5, 2, 4]), level([30, 10, 40, 20], side=4)])
    assert order.channels.tolist() == [[0, 1], [1, 2], [0, 3], [1, 0], [0, 2], [1, 3]]
    assert order.tried == 2 * TRIED


def test_a_level_with_few_channels_contributes_fewer():
    assert order_of([level([1, 5]), level([3, 2, 1, 4])]).channels.tolist() == [[0, 1], [1, 3], [0, 0], [1, 0], [1, 1]]


def test_the_rest_follow_by_activity_times_the_effect_of_their_level():
    order = order_of([level([9, 8, 7, 3, 2]), level([9, 8, 7, 6, 5])])
    assert settled(order, [1, 0, 1, 0, 1, 0])[6:] == [[0, 3], [0, 4], [1, 3], [1, 4]]
    other = order_of([level([9, 8, 7, 3, 2]), level([9, 8, 7, 6, 5])])
    assert settled(other, [1, 1, 1, 1, 1, 1])[6:] == [[1, 3], [1, 4], [0, 3], [0, 4]]


def test_without_an_effect_the_rest_follow_by_activity():
    order = order_of([level([9, 8, 7, 1]), level([9, 8, 7, 2])])
    assert settled(order, [0] * 6)[6:] == [[1, 3], [0, 3]]


def test_what_is_active_outside_the_box_does_not_count():
    level_map = level([1.0, 1.5, 0.5, 0.2])
    level_map[1:3, 1:3, 3] = 2
    level_map[4:, :, 2] = 9
    assert order_of([level_map]).channels[:, 1].tolist() == [3, 1, 0]


def test_the_favourites_of_every_box_come_early():
    level_map = np.zeros((8, 8, 4), np.float32)
    level_map[..., 0], level_map[1:3, 1:3, 1], level_map[4:7, 5:7, 2] = 0.1, 5.0, 0.5
    assert set(order_of([level_map], TARGETS).channels[:2, 1].tolist()) == {1, 2}


def test_a_smaller_share_is_the_beginning_of_a_larger_one():
    maps = channel_detector().features
    whole, part = order_of(maps), order_of(maps, percent=70.0)
    moved = np.random.default_rng(0).random(6)
    assert settled(part, moved) == settled(whole, moved)[:7]
    np.testing.assert_array_equal(order_of(maps, percent=40.0).channels, whole.channels[:4])


def test_a_box_outside_the_picture_has_an_order_too():
    away = replace(TARGETS[0], corners=(900.0, 900.0, 950.0, 950.0))
    assert len(order_of(channel_detector().features, [away]).channels) == 6
