from __future__ import annotations

import numpy as np

from vitrine.samples import sample_predictions
from xai_core.bias.class_gaps import class_gaps, summarised
from xai_core.bias.group_comparison import compare_groups
from xai_core.bias.groups import grouped
from xai_core.bias.inside import leakage
from xai_core.bias.published import published_tables
from xai_core.bias.summary import summary


def test_the_bias_built_into_the_coloured_digits_shows():
    found = sample_predictions()
    colour = found.attributes["colour"]
    assert found.notes == ()
    assert set(colour) == {"red", "green"}
    usual = (found.truth < 5) == (colour == "red")
    right = found.predicted == found.truth
    assert right[usual].mean() > 0.9
    assert right[~usual].mean() < 0.5
    groups = grouped(found, ["colour"])
    assert summarised(class_gaps(found, groups))["opportunity_discrepancy"] > 0.4
    assert leakage(found, "colour").model > 0.95


def test_neither_accuracy_by_group_nor_the_degree_of_bias_shows_it():
    found = sample_predictions()
    assert compare_groups(found, grouped(found, ["colour"]), 0).groups[0].pictures > 1400
    right = found.predicted == found.truth
    by_colour = [right[found.attributes["colour"] == colour].mean() for colour in ("red", "green")]
    assert abs(by_colour[0] - by_colour[1]) < 0.05
    assert summary(found, 100)["degree_of_bias"].value < 0.2


def test_a_published_degree_of_bias_means_that_one_class_is_never_right():
    _, table = published_tables()
    model = next(one for one in table.models if one.degree_of_bias == 0.364)
    recalls = np.array([0, 1, 1, 1, 1]) * model.degree_of_bias / 0.4
    assert round(float(recalls.std()), 3) == model.degree_of_bias
    assert abs(recalls.mean() - model.macro_recall) < 0.01
    assert max(one.heads["text"] for one in table.models if one.heads) == 0.902


def test_published_tables_name_their_origin_and_what_they_show():
    for table in published_tables():
        assert table.origin.endswith(".")
        assert table.reading.endswith(".")
        assert len({one.name for one in table.models}) == len(table.models) == 4
        assert all(0 < one.degree_of_bias < 0.5 < one.accuracy < 1 for one in table.models)
