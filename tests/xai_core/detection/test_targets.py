"""Overlaps, lost boxes, aspects and similarities, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xai_core.detection import targets as t
from xai_core.detector import BoxTarget, Detections
from xai_core.errors import DataError, ModelError

SIDES = st.integers(0, 12)
BOXES = st.lists(st.tuples(SIDES, SIDES, SIDES, SIDES), max_size=6)
SCORES, EDGES = ("score", "class", "IoU"), ("left", "right", "top", "bottom", "width", "height")


def detections(*boxes):
    """Return detections of (corners, label, score), in that order."""
    corners, labels, scores = zip(*boxes, strict=True)
    rows = np.eye(4, dtype=np.float32)[list(labels)] * np.array(scores, np.float32)[:, None]
    ones = np.ones(len(boxes), np.float32)
    return Detections(np.array(corners, np.float32), np.array(labels), np.array(scores, np.float32), rows, ones)


def target(corners=(10, 10, 30, 50), label=1, score=0.9):
    return BoxTarget(tuple(map(float, corners)), label, score, tuple(np.eye(4)[label] * score))


def by_hand(a, b):
    """The intersection over union of two boxes, counted in unit squares."""
    first, second = ({(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])} for box in (a, b))
    return len(first & second) / len(first | second) if first | second else 0.0


@given(BOXES, BOXES)
@settings(max_examples=60, deadline=None)
def test_overlaps_agree_with_a_plain_double_loop(boxes, others):
    shares = t.overlaps(np.array(boxes, np.float32).reshape(-1, 4), np.array(others, np.float32).reshape(-1, 4))
    expected = np.array([[by_hand(a, b) for b in others] for a in boxes]).reshape(len(boxes), len(others))
    np.testing.assert_allclose(shares, expected, atol=1e-6)


def test_the_box_found_again_is_the_one_of_the_class_that_overlaps_most():
    boxes = detections(((10, 10, 30, 50), 2, 0.9), ((10, 10, 30, 40), 1, 0.3), ((10, 10, 30, 30), 1, 0.8))
    assert t.found_again(boxes, target(), 0.5) == 1


def test_a_box_at_exactly_the_least_iou_is_lost():
    half = detections(((10, 10, 30, 30), 1, 0.8))
    assert t.found_again(half, target(), 0.5) is None
    assert t.found_again(half, target(), 0.45) == 0


def test_a_target_is_lost_among_no_boxes_or_other_classes():
    assert t.found_again(Detections.none(4), target(), 0.1) is None
    assert t.found_again(detections(((10, 10, 30, 50), 0, 0.9)), target(), 0.1) is None


@pytest.mark.parametrize(
    ("aspect", "expected"),
    [
        ("score", 0.8 + 0.75),
        ("class", 0.8),
        ("IoU", 0.75),
        ("left", 10 / 20),
        ("right", 30 / 20),
        ("top", 20 / 40),
        ("bottom", 50 / 40),
        ("width", 20 / 20),
        ("height", 30 / 40),
    ],
)
def test_each_aspect_of_a_box_that_lost_a_quarter_at_the_top(aspect, expected):
    assert t.worth(detections(((10, 20, 30, 50), 1, 0.8)), target(), aspect, 0.5) == pytest.approx(expected)


def test_a_lost_box_has_no_value():
    assert t.worth(Detections.none(4), target(), "score", 0.5) is None


def test_scores_of_boxes_agree_with_pytorch_grad_cam(worked_case):
    case = worked_case("fasterrcnn_box_score_target")
    case, expected = case["input"], case["expected"]["score"]
    boxes = detections(*zip(case["det_boxes"], case["det_labels"], case["det_scores"], strict=True))
    wanted = [target(*pair) for pair in zip(case["ref_boxes"], case["ref_labels"], strict=True)]
    values = t.worths([boxes], wanted, "score", case["iou_threshold"], np.ones(2, np.float32))
    assert values.sum() == pytest.approx(expected)


def test_a_lost_box_has_no_score_and_unmoved_edges():
    many, whole = [detections(((10, 20, 30, 50), 1, 0.8)), Detections.none(4)], np.array([1.9], np.float32)
    np.testing.assert_allclose(t.worths(many, [target()], "score", 0.5, whole), [[1.55], [0]], rtol=1e-6)
    np.testing.assert_allclose(t.worths(many, [target()], "top", 0.5, whole), [[0.5], [1.9]], rtol=1e-6)


@pytest.mark.parametrize("aspect", SCORES)
def test_a_score_falls_by_its_sign(aspect):
    values, whole = np.array([[0.5], [1.2], [np.nan]], np.float32), np.array([1.0], np.float32)
    np.testing.assert_allclose(t.falls(values, aspect, whole), [[0.5], [-0.2], [1]], atol=1e-6)


@pytest.mark.parametrize("aspect", EDGES)
def test_an_edge_moves_in_either_direction(aspect):
    values, whole = np.array([[0.5], [1.2], [np.nan]], np.float32), np.array([1.0], np.float32)
    np.testing.assert_allclose(t.falls(values, aspect, whole), [[0.5], [0.2], [0]], atol=1e-6)


def test_many_targets_are_matched_like_single_ones():
    random = np.random.default_rng(0)
    corners = random.random((500, 4)) * 300
    corners[:, 2:] = corners[:, :2] + 20 + random.random((500, 2)) * 60
    boxes = detections(*zip(corners, random.integers(0, 4, 500), random.random(500), strict=True))
    wanted = [target(row + random.normal(size=4) * 5, label) for row, label in zip(corners, boxes.labels, strict=True)]
    rows = t.nearest(boxes, wanted)
    for wanted_box, row in zip(wanted[::25], rows[::25], strict=True):
        number = t.found_again(boxes, wanted_box, 0.0)
        np.testing.assert_array_equal(row, [*boxes.corners[number], boxes.scores[number]])


def test_a_target_without_an_overlapping_box_gets_zeros():
    boxes = detections(((100, 100, 120, 120), 1, 0.9), ((10, 10, 30, 50), 2, 0.9))
    np.testing.assert_array_equal(t.nearest(boxes, [target()]), np.zeros((1, 5)))
    np.testing.assert_array_equal(t.nearest(Detections.none(4), [target()]), np.zeros((1, 5)))


def whole_worths(boxes, aspect="score", least_iou=0.5):
    return t.whole_worths(t.nearest(boxes, [target()]), [target()], aspect, least_iou)


def test_the_unchanged_box_has_its_score_plus_one():
    np.testing.assert_allclose(whole_worths(detections(((10, 10, 30, 50), 1, 0.9))), [1.9], rtol=1e-6)


def test_a_target_missing_from_the_unchanged_picture_is_refused():
    with pytest.raises(ModelError, match=r"box from \(10, 10\) to \(30, 50\) is not detected .* no box of its class"):
        whole_worths(Detections.none(4))


def test_a_least_iou_above_the_best_match_is_refused():
    nearly = detections(((10, 20, 30, 50), 1, 0.9))
    assert whole_worths(nearly, least_iou=0.7)
    with pytest.raises(ModelError, match=r"overlaps it by 75%, but more than 90% is required. Lower the least IoU"):
        whole_worths(nearly, least_iou=0.9)


def test_a_zero_score_in_the_unchanged_picture_is_refused():
    with pytest.raises(ModelError, match=r"The class of the box from .* is zero in the unchanged picture"):
        whole_worths(detections(((10, 10, 30, 50), 1, 0.0)), "class")


def test_an_edge_at_zero_is_an_ordinary_edge():
    at_the_border = target((0, 10, 20, 50))
    rows = t.nearest(detections(((0, 10, 20, 50), 1, 0.9)), [at_the_border])
    assert t.whole_worths(rows, [at_the_border], "left", 0.5) == 0


def test_choosing_no_box_is_refused():
    with pytest.raises(DataError, match=r"No box is chosen\. Choose one"):
        t.check_chosen([])
    t.check_chosen([target()])


def test_similarity_is_iou_times_cosine_times_objectness():
    rows = np.array([[0.6, 0.8, 0, 0]], np.float32)
    box = Detections(np.array([[10, 10, 30, 30]], np.float32), np.array([1]), np.array([0.8]), rows, np.array([0.5]))
    wanted = BoxTarget((10, 10, 30, 50), 1, 1.0, (0.0, 1.0, 0.0, 0.0))
    np.testing.assert_allclose(t.similarities(box, [wanted]), [0.5 * 0.8 * 0.5], rtol=1e-6)


def test_the_most_similar_box_counts_for_each_target():
    boxes = detections(((10, 10, 30, 50), 1, 0.2), ((10, 10, 30, 30), 1, 0.9), ((60, 60, 80, 80), 2, 0.9))
    wanted = [target(), target((60, 60, 80, 70), 2), target((60, 60, 80, 80), 1), target((200, 200, 210, 210))]
    np.testing.assert_allclose(t.similarities(boxes, wanted), [1, 0.5, 0, 0], atol=1e-6)


def test_similarities_stay_between_zero_and_one():
    random = np.random.default_rng(0)
    rows = random.random((50, 91)).astype(np.float32)
    corners = np.tile(np.array([[3, 3, 10, 10]], np.float32), (50, 1))
    boxes = Detections.of(corners, rows.argmax(axis=1), rows.max(axis=1), rows)
    similarity = t.similarities(boxes, [BoxTarget.of(boxes, number) for number in range(50)])
    assert similarity.max() <= 1
    np.testing.assert_allclose(similarity, 1, rtol=1e-6)


def test_without_boxes_every_similarity_is_zero():
    np.testing.assert_array_equal(t.similarities(Detections.none(4), [target(), target()]), [0, 0])


def test_the_inside_of_a_box_on_a_map_of_half_the_size():
    assert t.inside(target((10, 10, 30, 50)), (100, 80), (50, 40)) == (slice(5, 25), slice(5, 15))


@pytest.mark.parametrize("corners", [(-50, -50, -10, -10), (500, 500, 600, 600), (20, 20, 20.2, 20.2)])
def test_a_box_outside_the_picture_or_without_extent_has_one_place(corners):
    rows, columns = t.inside(target(corners), (100, 100), (10, 10))
    assert rows.stop - rows.start == columns.stop - columns.start == 1
    assert 0 <= rows.start < 10
    assert 0 <= columns.start < 10


def test_renormalised_maps_are_zero_outside_and_zero_to_one_inside_the_box():
    maps = np.random.default_rng(0).normal(size=(2, 10, 10)).astype(np.float32)
    cut = t.renormalised(maps, [target((10, 20, 50, 60)), target((0, 0, 100, 100))], (100, 100))
    assert cut.min() == 0
    np.testing.assert_allclose(cut.max(axis=(1, 2)), 1)
    assert np.count_nonzero(cut[0]) == 15
    assert not cut[0, :2].any()
    assert not cut[0, :, 5:].any()


def test_a_map_that_is_constant_in_the_box_becomes_zero():
    assert not t.renormalised(np.ones((1, 10, 10), np.float32), [target()], (100, 100)).any()


def test_all_boxes_of_a_class_start_with_the_chosen_one():
    boxes = detections(*(((0, 0, 1, 1), label, 0.5) for label in (1, 2, 1, 1)))
    np.testing.assert_array_equal(t.same_class(boxes, 2), [2, 0, 3])
