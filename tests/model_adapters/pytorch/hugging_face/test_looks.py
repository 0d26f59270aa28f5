"""The preprocessing of a folder is what its image processor does to pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model_adapters.pytorch.hugging_face.looks import FILE, PROCESSOR_FILE, Look, look_in, processor_of

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
SETTINGS = {
    "an old file": ("vit", {"feature_extractor_type": "ViTFeatureExtractor", "size": 224, "resample": 2}),
    "shorter side and crop": ("clip", {"size": {"shortest_edge": 224}, "crop_size": 224, "do_center_crop": True}),
    "bytes": ("vit", {"do_rescale": False, "do_normalize": False, "size": {"height": 96, "width": 64}}),
    "scaled twice": ("efficientnet", {"size": {"height": 64, "width": 64}, "include_top": True, **IMAGENET}),
    "from -1": ("efficientnet", {"rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False}),
    "blue first": ("mobilevit", {"size": {"shortest_edge": 288}, "crop_size": 256, "do_flip_channel_order": True}),
}


class Files(dict):
    """The JSON files of a folder."""

    def json(self, name):
        return self.get(name)


def look(model_type, settings, file=FILE):
    return look_in(Files({file: settings}), model_type, 3)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_picture_is_prepared_as_transformers_prepares_it(name):
    model_type, settings = SETTINGS[name]
    picture = np.random.default_rng(0).integers(0, 256, (12, 10, 3), np.uint8)
    picture = np.asarray(Image.fromarray(picture).resize((400, 500), Image.Resampling.BICUBIC))
    ours = look(model_type, settings).preprocessing
    placed = ours.normalise(ours.place(picture)[None])[0]
    theirs = processor_of(settings, model_type)(images=Image.fromarray(picture), return_tensors="np")
    expected = np.moveaxis(np.asarray(theirs["pixel_values"], np.float32)[0], 0, -1)
    # on average less than one step of 255, since filters round to whole values at different points
    assert np.abs(placed - expected).mean() < float(np.ptp(expected)) / 255


def test_a_share_of_the_shorter_side_is_cropped():
    found = look("convnext", {"size": {"shortest_edge": 224}, "crop_pct": 0.875}).preprocessing
    assert (found.fit, found.crop_share, found.height, found.resample) == ("crop", 0.875, 224, "bicubic")


def test_a_file_of_a_whole_processor_counts_too():
    found = look("clip", {"image_processor": {"size": {"shortest_edge": 64}, "crop_size": 64}}, PROCESSOR_FILE)
    assert (found.preprocessing.height, found.reason) == (64, "processor_config.json says so.")


def test_what_cannot_be_written_down_exactly_is_said():
    stretched = look("deit", {"size": {"height": 256, "width": 256}, "crop_size": 224, "do_center_crop": True})
    assert "stretches a picture to a square and then crops" in stretched.reason
    assert stretched.preprocessing.crop_share == 0.875


@pytest.mark.parametrize(
    "settings", [{"size": "large"}, {"size": {"height": 10**6, "width": 8}}, {"image_std": [0] * 3}]
)
def test_settings_that_make_no_sense_are_said(settings):
    assert look("vit", settings).preprocessing is None
    assert "cannot follow the preprocessing" in look("vit", settings).reason


def test_no_file_is_no_suggestion():
    assert look_in(Files(), "vit", 3) == Look(None, "")
