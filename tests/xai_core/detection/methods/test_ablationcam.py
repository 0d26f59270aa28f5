"""Ablation-CAM of a box: exact weights, an exact share of the channels, features that stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_fakes import SIDE, channel_detector, spots, targets_of
from fakes import Remembering

from xai_core.detection.methods.ablationcam import AblationCamOfABox
from xai_core.detection.model import DetectionModel
from xai_core.errors import DataError, ModelError
from xai_core.pictures.resampling import resized

IMAGE = spots()
SIZE = (SIDE, SIDE)


@pytest.fixture
def detector():
    return channel_detector()


def estimates(detector, targets=None, memory=None, image=IMAGE, **settings):
    plain = {"channels": 100.0, "grid": "finest", "signs": "magnitude", "centred": False, "positive_only": False}
    plain["where"] = "everywhere at once"
    method = AblationCamOfABox(**plain | settings)
    targets = targets_of(IMAGE, detector) if targets is None else targets
    return list(method.explain(DetectionModel(detector, memory), image, targets))


def last(detector, targets=None, **settings):
    return estimates(detector, targets, **settings)[-1].maps


def by_hand(detector, weights, grid=(8, 8)):
    """The map of one box: each channel on the grid, times its weight, added up; weights one row a level."""
    channels = [heatmap.transpose(2, 0, 1) for heatmap in detector.features]
    parts = [resized(np.abs(one), grid) for one in channels]
    total = sum(np.einsum("khw,k->hw", one, row) for one, row in zip(parts, weights, strict=True))
    return resized(np.asarray(total, np.float32)[None], SIZE)[0]


def test_a_channel_weighs_what_the_score_loses_without_it_as_a_share_of_the_whole(detector):
    found = last(detector)
    for target, heatmap in zip(targets_of(IMAGE, detector), found, strict=True):
        lost = [
            row[target.label] * means for row, means in zip(detector.weights, detector.means(target.label), strict=True)
        ]
        np.testing.assert_allclose(heatmap, by_hand(detector, [one / (1 + target.score) for one in lost]), atol=1e-5)


def test_the_class_alone_is_a_share_of_the_score_alone(detector):
    (target, _), (heatmap, _) = targets_of(IMAGE, detector), last(detector, aspect="class")
    lost = [
        row[target.label] * means for row, means in zip(detector.weights, detector.means(target.label), strict=True)
    ]
    np.testing.assert_allclose(heatmap, by_hand(detector, [one / target.score for one in lost]), atol=1e-5)


def test_weights_are_those_of_the_known_case(worked_case):
    case = worked_case("ablationcam_weights")
    whole, without = case["input"]["orig_score"], np.array(case["input"]["ablated_scores"])
    found = weights_of(whole, without)
    np.testing.assert_allclose(found, case["expected"]["weights"], atol=1e-6)


def test_each_channel_gets_its_own_score_where_pytorch_grad_cam_mixes_them_up(worked_case):
    case = worked_case("ablationcam_duplicate_bug")
    scores = np.array(case["expected"]["correct"]) / 100
    np.testing.assert_allclose(weights_of(0.99, scores, "class"), (0.99 - scores) / 0.99, atol=1e-6)


def weights_of(whole, without, aspect="score"):
    """The weights that channels get without which the box is worth `without`, read from maps of one channel each."""
    detector = channel_detector()
    count = len(without)
    detector.features = [np.tile(np.eye(8, dtype=np.float32)[:count].T[None], (8, 1, 1)), detector.features[1][..., :1]]
    target = targets_of(IMAGE, channel_detector())[0]
    target = replace(target, score=whole - (aspect == "score"))
    (plain,) = channel_detector().detect(IMAGE[None], 0.0)

    def told(value):
        share = value - (aspect == "score")
        chosen = plain.chosen(plain.labels == target.label)
        return replace(chosen, scores=np.array([share], np.float32)) if value > 0 else chosen.chosen(np.zeros(0, int))

    detector.detect = lambda images, floor: [told(whole)]
    detector.without_channels = lambda image, channels, *_: [told(without[channel]) for _, channel in channels]
    (heatmap,) = last(detector, [target], levels=("fine",), aspect=aspect, image=IMAGE[::4, ::4])
    return heatmap[0, :count]


@pytest.mark.parametrize(("share", "count"), [(1.0, 1), (10.0, 1), (11.0, 2), (50.0, 5), (70.0, 7), (100.0, 10)])
def test_exactly_the_share_of_the_channels_is_asked_about(detector, share, count):
    estimates(detector, channels=share)
    assert sum(detector.asked) == count


def test_a_box_outside_the_picture_is_answered_by_a_sentence(detector):
    away = replace(targets_of(IMAGE, detector)[0], corners=(900.0, 900.0, 950.0, 950.0))
    with pytest.raises(ModelError, match="is not detected in the unchanged picture"):
        estimates(detector, [away])


def test_no_box_is_answered_by_a_sentence(detector):
    with pytest.raises(DataError, match="No box is chosen"):
        estimates(detector, [])


def test_a_score_of_nought_is_answered_by_a_sentence(detector):
    (whole,) = detector.detect(IMAGE[None], 0.0)
    detector.detect = lambda images, floor: [replace(whole, scores=whole.scores * 0)]
    with pytest.raises(ModelError, match=r"The class of the box from .* is zero in the unchanged picture"):
        estimates(detector, targets_of(IMAGE, channel_detector()), aspect="class")


@pytest.mark.parametrize("size", [1, 3, 7])
def test_the_batch_size_changes_the_rounding_only(detector, size):
    np.testing.assert_allclose(last(detector, batch_size=size), last(detector, batch_size=128), atol=1e-6)


def test_a_preview_follows_every_batch_and_tells_the_share_done(detector):
    found = estimates(detector, batch_size=3)
    assert [one.fraction for one in found] == pytest.approx([0.6, 0.9, 1.0])
    assert detector.asked == [6, 3, 1]


def test_previews_come_ever_nearer_to_the_answer(detector):
    found = estimates(detector, batch_size=1)
    off = [np.abs(one.maps - found[-1].maps).max() for one in found]
    assert off == sorted(off, reverse=True)


def test_more_channels_continue_from_those_done_to_the_same_bits(detector):
    memory, afresh = Remembering(), last(channel_detector(), batch_size=3)
    estimates(detector, memory=memory, channels=40.0, batch_size=3)
    again = estimates(detector, memory=memory, batch_size=3)[-1].maps
    assert sum(detector.asked) == 10
    np.testing.assert_array_equal(again, afresh)


def test_another_aspect_and_another_least_iou_cost_no_pass(detector):
    memory = Remembering()
    estimates(detector, memory=memory)
    estimates(detector, memory=memory, aspect="left", least_iou=0.3, signs="as they are", grid="coarsest")
    assert sum(detector.asked) == 10


@pytest.mark.parametrize("change", [{"ablation_value": "very low"}, {"levels": ("fine",)}])
def test_other_ablations_are_asked_for_anew(detector, change):
    memory = Remembering()
    estimates(detector, memory=memory)
    estimates(detector, memory=memory, **change)
    assert sum(detector.asked) == 10 + (6 if "levels" in change else 10)


def test_a_run_that_is_cancelled_leaves_the_features_bit_for_bit(detector):
    before = [heatmap.copy() for heatmap in detector.features]
    method = AblationCamOfABox(channels=100.0, batch_size=1)
    for steps in range(4):
        running = method.explain(DetectionModel(detector), IMAGE, targets_of(IMAGE, detector))
        for _ in range(steps + 1):
            next(running)
        running.close()
    for heatmap, kept in zip(detector.features, before, strict=True):
        np.testing.assert_array_equal(heatmap, kept)


def test_a_channel_may_be_set_far_below_all_values(detector):
    settings = {"ablation_value": "very low", "aspect": "class", "levels": ("fine",), "signs": "as they are"}
    (heatmap, _), (target, _) = last(detector, **settings), targets_of(IMAGE, detector)
    weights = np.ones(6, np.float32)  # every score becomes nought
    expected = resized(np.einsum("hwk,k->hw", detector.features[0], weights)[None], SIZE)[0]
    np.testing.assert_allclose(heatmap, expected, atol=1e-5)
    assert target.score > 0


def test_levels_are_asked_about_by_their_own_number_in_the_card(detector):
    seen = []
    ask = detector.without_channels
    detector.without_channels = lambda image, channels, *rest: (seen.extend(channels), ask(image, channels, *rest))[1]
    estimates(detector, levels=("coarse",))
    assert {int(level) for level, _ in seen} == {1}
    assert sorted(int(channel) for _, channel in seen) == [0, 1, 2, 3]


def test_an_edge_weighs_channels_by_how_far_it_moves_whichever_way(detector):
    detector.pull = [np.array([2, -2, 0, 0, 0, 0], np.float32), np.zeros(4, np.float32)]
    (target, _), (heatmap, _) = targets_of(IMAGE, detector), last(detector, aspect="left")
    moved = np.abs(detector.pull[0] * detector.means(target.label)[0])
    width = target.corners[2] - target.corners[0]
    np.testing.assert_allclose(heatmap, by_hand(detector, [moved / width, np.zeros(4)]), atol=1e-5)


def test_boxes_that_are_lost_are_told_where_edges_were_to_be_measured(detector):
    estimate = estimates(detector, aspect="width", ablation_value="very low")[-1]
    assert estimate.notes == ("The box was lost after 20 of 20 changes; its edges count as unmoved there.",)
    np.testing.assert_array_equal(estimate.maps, 0)


def test_each_of_two_boxes_has_its_map_at_its_own_place():
    detector = channel_detector()
    fine = np.zeros((8, 8, 6), np.float32)
    fine[1:3, 1:3, 0], fine[4:7, 4:8, 1] = 1, 1
    detector.features, detector.weights = (
        [fine, np.zeros((4, 4, 4), np.float32)],
        [np.full((2, 6), 0.5), np.zeros((2, 4))],
    )
    first, second = last(detector, levels=("fine",))
    assert first[4:12, 4:12].sum() > 0.75 * first.sum()
    assert second[16:28, 16:32].sum() > 0.75 * second.sum()


def test_what_speaks_against_the_box_is_cut_off_on_request(detector):
    detector.weights[0][:, :5] *= -1
    detector.weights[1][:] += 0.4
    small = {"image": IMAGE[::4, ::4], "levels": ("fine",)}
    signed, cut = (last(detector, positive_only=positive, **small) for positive in (False, True))
    assert signed.min() < 0
    np.testing.assert_array_equal(cut, np.maximum(signed, 0))


def test_a_centred_map_is_measured_from_its_mean(detector):
    small = {"image": IMAGE[::4, ::4], "levels": ("fine",)}
    plain, centred = (last(detector, centred=centred, **small) for centred in (False, True))
    np.testing.assert_allclose(centred, plain - plain.mean(axis=(1, 2), keepdims=True), atol=1e-6)
    cut = last(detector, centred=True, positive_only=True, **small)
    np.testing.assert_allclose(cut, np.maximum(centred, 0), atol=1e-6)


def test_a_channel_is_turned_to_rise_towards_its_values_in_the_box(detector):
    detector.features[0] -= np.float32(0.5)
    found = last(detector, signs="as where it counts", levels=("fine",), aspect="class")
    for target, heatmap in zip(targets_of(IMAGE, detector), found, strict=True):
        means, values = detector.means(target.label)[0], detector.features[0]
        turned = np.sign(means - values.mean(axis=(0, 1)))
        weights = detector.weights[0][target.label] * means / target.score
        assert set(turned) == {-1, 1}
        expected = resized((values * turned * weights).sum(axis=-1)[None], SIZE)[0]
        np.testing.assert_allclose(heatmap, expected, atol=1e-5)


def test_the_coarsest_grid_gives_the_map_that_is_laid_on_it(detector):
    (target, _), (heatmap, _) = targets_of(IMAGE, detector), last(detector, grid="coarsest")
    lost = [
        row[target.label] * means for row, means in zip(detector.weights, detector.means(target.label), strict=True)
    ]
    np.testing.assert_allclose(
        heatmap, by_hand(detector, [one / (1 + target.score) for one in lost], (4, 4)), atol=1e-5
    )


APART = {"where": "in the box and around it"}
REACH = 6  # pixels: a place that the box only touches, and half a place more


def test_what_a_channel_does_around_the_box_is_told_apart_from_what_it_does_in_it(detector):
    fine = {"levels": ("fine",)}
    for target, heatmap in zip(targets_of(IMAGE, detector), last(detector, **APART, **fine), strict=True):
        everywhere = last(detector, [target], **fine)[0]
        left, top, right, bottom = np.asarray(target.array[0]).astype(int)
        middle = (slice(top + 3, bottom - 3), slice(left + 3, right - 3))
        np.testing.assert_allclose(heatmap[middle], everywhere[middle], atol=1e-5)
        far = np.ones((SIDE, SIDE), bool)
        far[max(top - REACH, 0) : bottom + REACH, max(left - REACH, 0) : right + REACH] = False
        np.testing.assert_array_equal(heatmap[far], 0)
        assert everywhere[far].min() > 0


def test_places_around_the_box_show_where_the_box_hangs_on_them(detector):
    detector.means = lambda label: [heatmap.mean(axis=(0, 1)) for heatmap in detector.features]
    (found, _) = last(detector, **APART)
    corner = found[:3, -3:]
    assert corner.min() > 0


def test_boxes_one_after_the_other_are_as_each_alone(detector):
    together = last(detector, **APART)
    alone = [last(detector, [target], **APART)[0] for target in targets_of(IMAGE, detector)]
    np.testing.assert_array_equal(together, np.stack(alone))


def test_a_box_that_was_explained_before_costs_nothing_among_others(detector):
    memory, (first, second) = Remembering(), targets_of(IMAGE, detector)
    estimates(detector, [first], memory=memory, **APART)
    estimates(detector, [first, second], memory=memory, **APART)
    assert sum(detector.asked) == 2 * 10 * 2


def test_the_share_done_rises_over_all_boxes_to_the_whole(detector):
    shares = [one.fraction for one in estimates(detector, batch_size=3, **APART)]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("signs", ["magnitude", "as where it counts"])
def test_a_far_corner_that_the_whole_score_hangs_on_is_lit(signs):
    detector = channel_detector()
    detector.features = [np.zeros((8, 8, 1), np.float32), np.zeros((4, 4, 1), np.float32)]
    detector.features[0][:2, 6:, 0] = 1
    detector.weights = [np.full((2, 1), 8.0, np.float32), np.zeros((2, 1), np.float32)]
    detector.pull = [np.zeros(1, np.float32)] * 2
    detector.means = lambda label: [heatmap.mean(axis=(0, 1)) for heatmap in detector.features]
    found = last(detector, **APART, signs=signs, levels=("fine",))
    for heatmap in found:
        assert heatmap[:8, 24:].mean() > 10 * np.abs(heatmap[12:]).max()
