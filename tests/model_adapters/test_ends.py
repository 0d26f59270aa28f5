"""What the outputs of real networks are taken to be, and the ends that make other scores of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import vitrine
from xai_core.errors import ChooseScoring, MissingCapability, UnsupportedModel

SIDE = 32
WAY = {"height": SIDE, "width": SIDE, "channels": "RGB", "mean": [0.5] * 3, "std": [0.5] * 3}
PHOTO = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
METHODS = ("grad_cam", "integrated_gradients", "lrp", "guided_backprop", "deeplift", "occlusion", "ablation_cam")


class Net(nn.Module):
    """A small network with as many outputs as wanted, and an end."""

    def __init__(self, outputs: int, end: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()
        )
        self.last, self.end = nn.Linear(8, outputs), end or nn.Identity()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.end(self.last(self.features(pictures).mean((2, 3))))


class OfLengthOne(nn.Module):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(rows)


def wrapped(net: nn.Module, **options: object):
    return vitrine.wrap(net, preprocessing=WAY, **options)


def test_both_sides_of_one_logit_are_named_and_explained():
    with wrapped(Net(1), labels=["dog"]) as model:
        assert model.labels == ("not dog", "dog")
        no, yes = model.predict(PHOTO).probabilities[0]
        assert no + yes == pytest.approx(1, abs=1e-6)
        against, towards = model.explain("integrated_gradients", PHOTO, target=["not dog", "dog"]).maps
        np.testing.assert_allclose(against, -towards, atol=1e-6)


@pytest.mark.parametrize("method_id", METHODS)
def test_methods_explain_both_sides(method_id):
    with wrapped(Net(1)) as model:
        maps = model.explain(method_id, PHOTO, target=[0, 1]).maps
        assert np.isfinite(maps).all()
        assert np.ptp(maps, axis=(1, 2)).max() > 0


def test_probabilities_of_their_own_are_seen_where_the_end_cannot_be_removed():
    with wrapped(Net(5, nn.Sigmoid())) as model:
        card, predictions = model.card, model.predict(PHOTO)
        expected = Net(5, nn.Sigmoid())(torch.from_numpy(PHOTO / 127.5 - 1).float().permute(2, 0, 1)[None])
        np.testing.assert_allclose(predictions.probabilities, expected.detach(), atol=1e-5)
    assert (card.gives, card.head, card.head_known, predictions.several) == ("probability", "sigmoid", False, True)


def test_a_threshold_decides_which_classes_are_explained():
    with wrapped(Net(5), scoring="sigmoid", threshold=0.4) as model:
        predictions = model.predict(PHOTO)
        (chosen,) = predictions.predicted_classes
        assert [row["label"] for row in predictions.top(5).rows if row["probability"] >= 0.4] == [*chosen]
        explanation = model.explain("saliency", PHOTO)
        assert [target.rsplit(" ", 1)[0] for target in explanation.targets] == [*chosen]
        assert explanation.record["threshold"] == 0.4


@pytest.mark.parametrize("method_id", METHODS)
def test_numbers_are_explained_as_they_are(method_id):
    with wrapped(Net(2), scoring="none") as model:
        row = model.predict(PHOTO).top(1).rows[0]
        explanation = model.explain(method_id, PHOTO, target=row["index"])
        assert explanation.scores == (pytest.approx(row["value"]),)
        assert "probability" not in explanation.record["targets"][0]
        assert f"{row['value']:.3g}" in explanation.title()
        with pytest.raises(MissingCapability, match="no probability"):
            _ = model.predict(PHOTO).probabilities


@pytest.mark.parametrize("method_id", METHODS)
def test_similarity_to_a_reference_is_a_score_like_any_other(method_id):
    other = 255 - PHOTO
    with wrapped(Net(24), scoring="similarity", references=[other, PHOTO]) as model:
        scores = model.predict(PHOTO).scores[0]
        assert scores[1] == pytest.approx(1, abs=1e-5)
        assert scores[0] < 1
        explanation = model.explain(method_id, PHOTO, target=0)
        assert np.isfinite(explanation.map).all()
        assert np.ptp(explanation.map) > 0
        assert explanation.scores[0] == pytest.approx(scores[0], abs=1e-5)


def test_integrated_gradients_of_a_similarity_add_up():
    with wrapped(Net(24), scoring="similarity", references=[255 - PHOTO]) as model:
        explanation = model.explain("integrated_gradients", PHOTO, score="logit", steps=100)
        assert explanation.figures["completeness_error"][0] < 0.05


def test_what_looks_like_an_embedding_is_asked_about():
    with pytest.raises(ChooseScoring, match="every output is a vector of length 1, like an embedding"):
        wrapped(Net(24, OfLengthOne()))
    with (
        wrapped(Net(24, OfLengthOne()), scoring="similarity") as model,
        pytest.raises(MissingCapability, match="add one"),
    ):
        model.predict(PHOTO)


def test_a_network_for_videos_is_told_apart():
    layers = nn.Conv3d(3, 4, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 5)
    with pytest.raises(UnsupportedModel, match="takes videos or volumes"):
        vitrine.wrap(nn.Sequential(*layers))
