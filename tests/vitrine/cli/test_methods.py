from __future__ import annotations

import json

from xai_core.filter import FILTERS
from xai_core.guide import catalogue


def test_the_list_names_every_method_filter_and_parameter(vitrine):
    shown = vitrine("methods")
    assert shown.status == 0
    for declared in (*catalogue().values(), *FILTERS.values()):
        assert f"{declared.id}: " in shown.out
        assert all(param.help in shown.out for param in declared.params)


def test_json_tells_what_the_declarations_tell(vitrine):
    entries = json.loads(vitrine("methods", "--json").out)
    assert [entry["id"] for entry in entries] == sorted(catalogue())
    for entry in entries:
        method = catalogue()[entry["id"]]
        assert {p["name"]: p["default"] for p in entry["parameters"]} == method().values()
        assert (entry["group"], entry["class_sensitivity"]) == (method.group, method.class_sensitivity)
        assert entry["guide"]["answers"] == method.guide.answers


def test_the_list_says_by_group_what_each_method_answers_and_can_not_say(vitrine):
    shown = vitrine("methods").out
    for method in catalogue().values():
        assert f"{method.group}\n\n" in shown
        assert all(told in shown for told in (method.guide.answers, method.guide.limits, method.source))


def test_json_tells_that_layers_come_with_the_model(vitrine):
    entries = {entry["id"]: entry for entry in json.loads(vitrine("methods", "--json").out)}
    (layers,) = (p for p in entries["grad_cam"]["parameters"] if p["name"] == "layers")
    assert (layers["from_model"], layers["type"], layers["default"]) == ("layers", "tuple", [])


def test_json_tells_ranges_choices_and_bounds_that_hang_on_the_picture(vitrine):
    entries = {entry["id"]: entry for entry in json.loads(vitrine("methods", "--json").out)}
    parameters = {method_id: {p["name"]: p for p in entry["parameters"]} for method_id, entry in entries.items()}
    assert (parameters["rise"]["samples"]["low"], parameters["rise"]["samples"]["high"]) == (100, 20000)
    assert "black" in parameters["integrated_gradients"]["baseline"]["choices"]
    assert parameters["occlusion"]["patch"]["high_as_share_of_side"] == 0.5
