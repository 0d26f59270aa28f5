"""Detectors that take the picture's size as a second input, as RT-DETR's authors export them."""

from __future__ import annotations

import onnx
import pytest
from onnx_detectors import BRIGHT, assert_boxes, opened, with_target_sizes

from model_adapters import load
from model_adapters.onnx.target_sizes import fix_target_sizes
from xai_core.errors import TryAsDetector, UnsupportedModel
from xai_core.types import FileKind, ModelSource


def written(model, folder):
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return folder / "m.onnx"


def test_boxes_are_read_without_being_asked(tmp_path):
    detector = opened(written(with_target_sizes(), tmp_path), tmp_path)
    (boxes,) = detector.detect(BRIGHT, 0.2)
    assert_boxes(boxes, [50, 50, 150, 90])
    assert [detector.card.labels[label] for label in boxes.labels] == ["cow"]
    assert any("as in RT-DETR and D-FINE" in note for note in detector.card.notes)


def test_labels_count_from_0_even_if_none_is_0(tmp_path):
    assert opened(written(with_target_sizes(), tmp_path), tmp_path).card.classes == 2


def test_final_boxes_are_not_opened_as_the_scores_of_classes(tmp_path):
    source = ModelSource(str(written(with_target_sizes(), tmp_path)), "a model", "")
    with pytest.raises(TryAsDetector, match="gives boxes with labels and scores"):
        load(source, FileKind("onnx", "onnx"), str(tmp_path))


def test_a_segmentation_network_is_refused_rather_than_resized_to_one_pixel(tmp_path):
    source = ModelSource(str(written(with_target_sizes(), tmp_path)), "a model", "", task="segment")
    with pytest.raises(UnsupportedModel, match=r"2 inputs \(images, orig_target_sizes\)"):
        load(source, FileKind("onnx", "onnx"), str(tmp_path))


def test_a_second_input_of_another_name_is_named(tmp_path):
    with pytest.raises(UnsupportedModel, match=r"2 inputs \(images, depth\)"):
        opened(written(with_target_sizes("depth"), tmp_path), tmp_path)


def test_the_size_becomes_a_constant_once():
    model = with_target_sizes()
    assert fix_target_sizes(model)
    assert not fix_target_sizes(model)
    assert [each.name for each in model.graph.input] == ["images"]
    assert onnx.numpy_helper.to_array(model.graph.initializer[-1]).tolist() == [[1, 1]]
