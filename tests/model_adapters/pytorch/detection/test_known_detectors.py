"""The detectors that are known by name, and what is declared of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch_detectors import OWN_FUNCTION

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection import known_detectors
from xai_core.errors import ParamError


def test_digests_are_those_of_torchvisions_files():
    models = import_torchvision_models()
    for name in known_detectors.coco_names():
        weights = models.get_model_weights(name.removeprefix("torchvision/")).DEFAULT
        assert weights.url.endswith(f"-{known_detectors.named(name).coco}.pth")


def test_the_first_coco_weights_want_no_epsilon():
    known = known_detectors.named("torchvision/fasterrcnn_resnet50_fpn")
    assert known_detectors.settings_for(known, "", known.coco + "0" * 56).norm_epsilon == 0
    assert known_detectors.settings_for(known, "", "0" * 64).norm_epsilon == 1e-5


@pytest.mark.parametrize("name", OWN_FUNCTION)
def test_declared_settings_are_torchvisions(name):
    known = known_detectors.named(name)
    make = getattr(import_torchvision_models().detection, name.removeprefix("torchvision/"))
    with torch.device("meta"):
        module = make(weights=None, weights_backbone=None, num_classes=4)
    heads, usual = getattr(module, "roi_heads", module), known.settings
    given = (heads.score_thresh, heads.nms_thresh, heads.detections_per_img)
    assert (usual.least_score, usual.overlap, usual.most_boxes) == given
    mean, std = (known_detectors.numbers(text, "")[0] for text in (usual.mean, usual.std))
    assert (list(mean), list(std)) == (module.transform.image_mean, module.transform.image_std)
    if hasattr(usual, "smallest_side"):
        assert (usual.smallest_side, usual.largest_side) == (module.transform.min_size[0], module.transform.max_size)
    if hasattr(usual, "proposals"):
        rpn = module.eval().rpn
        assert (usual.proposals_before, usual.proposals) == (rpn.pre_nms_top_n(), rpn.post_nms_top_n())
        assert (usual.proposal_overlap, usual.proposal_least_score) == (rpn.nms_thresh, rpn.score_thresh)
    if hasattr(usual, "candidates"):
        assert usual.candidates == module.topk_candidates


@pytest.mark.parametrize(
    ("reading", "sentence"),
    [
        ("[1]", "must be JSON"),
        ("{", "must be JSON"),
        ('{"smallest_side": 3}', "Smallest side must be between 32 and 2,048 px; got 3"),
        ('{"smallest_side": "640"}', "Smallest side must be a whole number"),
        ('{"smallest_side": 1400}', "Largest side must be 1400 px or more"),
        ('{"anchors": "1"}', "no setting 'anchors'; it has least_score"),
        ('{"anchor_sizes": "big"}', "Anchor sizes must be numbers"),
        ('{"anchor_sizes": "0"}', "must be above 0"),
        ('{"mean": "0.5"}', "Mean must be three numbers"),
        ('{"std": "0, 1, 1"}', "Std must be three numbers above 0"),
    ],
)
def test_settings_that_are_none_are_told(reading, sentence):
    with pytest.raises(ParamError, match=sentence):
        known_detectors.settings_for(known_detectors.named("torchvision/fcos_resnet50_fpn"), reading)


def test_the_list_of_names_needs_no_framework():
    imported = "from model_adapters.pytorch.detection.known_detectors import names"
    code = f"import sys; {imported}; print(len(names()), 'torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.split() == [str(len(known_detectors.names())), "False"]
