"""One channel at a time: a network that reads only the fourth of four bands, and methods that show it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fakes import LinearNetwork, random_image
from xai_core import methods  # noqa: F401  (registers the methods)
from xai_core.errors import ParamError
from xai_core.lens import Lens
from xai_core.method import METHODS
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing, presets

SIDE, BANDS, READ = 16, 4, 3
WAY = presets(SIDE, SIDE, BANDS)["0..1"]
IMAGE = np.random.default_rng(0).random((SIDE, SIDE, BANDS), np.float32) / 4
IMAGE[:8, :8, READ] = 1
TARGETS = np.array([1])


def network() -> LinearNetwork:
    weights = np.zeros((2, SIDE, SIDE, BANDS), np.float32)
    weights[1, :8, :8, READ] = 1.0
    return LinearNetwork(weights)


def map_of(method_id: str, channel: int | None) -> np.ndarray:
    lens = None if channel is None else Lens(IMAGE, channel, WAY)
    model = Model(network(), WAY, lens=lens)
    method = METHODS[method_id].suited(model.card, (SIDE, SIDE), {"score": "logit"})
    *_, last = method.explain(model, model.seen(IMAGE), TARGETS)
    return last.maps[0]


@pytest.mark.parametrize("method_id", ["input_x_gradient", "integrated_gradients", "gradient_shap", "occlusion"])
def test_only_the_channel_that_the_network_reads_has_a_map(method_id):
    assert not map_of(method_id, 0).any()
    band = map_of(method_id, READ)
    assert np.abs(band[:8, :8]).sum() > 0.5 * np.abs(band).sum() > 0


@pytest.mark.parametrize("method_id", ["input_x_gradient", "integrated_gradients"])
def test_channels_add_up_to_the_sum_where_the_network_is_linear(method_id):
    parts = sum(map_of(method_id, channel) for channel in range(BANDS))
    np.testing.assert_allclose(parts, map_of(method_id, None), atol=1e-5)


def test_superpixels_are_found_in_any_number_of_channels():
    lime = map_of("lime", None)
    assert lime[:8, :8].mean() > 10 * np.abs(lime[8:, 8:]).mean() > 0


def test_a_colour_is_a_channel_whatever_order_the_model_takes():
    weights = np.zeros((1, SIDE, SIDE, 3), np.float32)
    weights[..., 0] = 1  # the first of BGR is blue
    way, image = Preprocessing(SIDE, SIDE, channels="BGR"), random_image(SIDE, SIDE)
    blue, red = (Model(LinearNetwork(weights), way, lens=Lens(image, n, way)) for n in (2, 0))
    slopes = [each.gradients(each.seen(image)[None], np.array([0]), "logit").max() for each in (blue, red)]
    assert slopes == [1, 0]


@pytest.mark.parametrize(("channels", "channel", "message"), [("gray", 0, "brightness"), ("RGB", 3, "got 4")])
def test_a_channel_that_is_not_there_is_refused(channels, channel, message):
    with pytest.raises(ParamError, match=message):
        Lens(random_image(), channel, Preprocessing(16, 16, channels=channels))
