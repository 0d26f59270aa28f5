"""Tensors come out of whatever a checkpoint nests them in."""

from __future__ import annotations

import torch

from model_adapters.pytorch.finding.flat import flat_tensors

WEIGHT = torch.ones(2)


def test_nested_tensors_get_dotted_names_and_the_state_of_an_optimizer_is_left_out():
    checkpoint = {"model": {"fc": {"weight": WEIGHT}}, "optimizer": {"state": {"exp_avg": WEIGHT}}, "epoch": 3}
    assert list(flat_tensors(checkpoint)) == ["model.fc.weight"]


def test_a_mapping_that_stands_at_many_places_is_read_once():
    content: dict[str, object] = {"weight": WEIGHT}
    for _ in range(4):
        content = {f"part{number}": content for number in range(200)}  # 200**4 places, which nobody could walk through
    assert list(flat_tensors(content)) == ["part0.part0.part0.part0.weight"]
