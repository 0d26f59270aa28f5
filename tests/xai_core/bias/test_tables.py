from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from xai_core.bias.group_comparison import compare_groups
from xai_core.bias.groups import grouped
from xai_core.bias.inside import leakage
from xai_core.bias.metrics import metrics
from xai_core.bias.page import page
from xai_core.bias.settings import Settings
from xai_core.bias.summary import summary
from xai_core.bias.tables import csv_tables
from xai_core.errors import DataError
from xai_core.wording import number

QUICK = Settings(bootstrap_samples=100)


@pytest.fixture
def found(drawn):
    made = drawn(4, 300, 3, 2)
    sex = np.random.default_rng(0).choice(["f", "m"], len(made))
    logits = {name: np.log(made.probabilities) * size for name, size in (("image", 1), ("text", -1))}
    return replace(made, attributes={**made.attributes, "sex": sex}, heads=logits)


def plain_values(values):
    """All values inside, however deep."""
    if isinstance(values, dict):
        return [one for value in values.values() for one in plain_values(value)]
    if isinstance(values, list | tuple):
        return [one for value in values for one in plain_values(value)]
    return [values]


def test_bootstrap_samples_are_stratified_on_request(found):
    values = metrics(found, settings=Settings(bootstrap_samples=100, stratify_by="sex"))
    figure = summary(found, 100, strata=found.attributes["sex"])["accuracy"]
    assert (values["summary"]["accuracy"]["low"], values["summary"]["accuracy"]["high"]) == (figure.low, figure.high)
    assert "95% intervals from 100 bootstrap samples stratified by sex." in page([values])


def test_metrics_keep_their_full_precision(found):
    values = json.loads(json.dumps(metrics(found, ["colour"], 1, QUICK), allow_nan=False))
    figures = summary(found, 100)
    assert {name: one["value"] for name, one in values["summary"].items()} == {n: f.value for n, f in figures.items()}
    assert values["summary"]["accuracy"]["low"] == figures["accuracy"].low
    apart = compare_groups(found, grouped(found, ["colour"]), 1)
    group = values["groups"]["colour"]
    assert group["fairness"]["equalized_odds_difference"] == apart.between["equalized_odds_difference"]
    assert group["fairness"]["four_fifths_rule_holds"] is (apart.between["disparate_impact"] >= 0.8)
    assert [one["group"] for one in group["by_group"]] == [one.name for one in apart.groups]
    assert values["leakage"]["colour"]["model"] == leakage(found, "colour").model
    assert values["settings"] == QUICK.values() | {"seed": 0}


def test_two_attributes_are_also_crossed(found):
    assert list(metrics(found, ["colour", "sex"], 1, QUICK)["groups"]) == ["colour", "sex", "colour × sex"]
    assert list(metrics(found, ["sex"], 1, QUICK)["groups"]) == ["sex"]


def test_by_default_the_class_is_the_one_whose_selection_rate_differs_most_or_the_second_of_two(predictions):
    groups = ["a"] * 50 + ["b"] * 50
    found = predictions([0] * 50 + [2] * 50, [0] * 40 + [1] * 10 + [2] * 50, classes=3, group=groups)
    assert metrics(found, ["group"], settings=QUICK)["groups"]["group"]["positive"] == "c2"
    two = predictions([0, 1] * 50, [0, 1] * 50, group=groups)
    assert metrics(two, ["group"], settings=QUICK)["groups"]["group"]["positive"] == "c1"


def test_an_unknown_attribute_is_refused(found):
    with pytest.raises(DataError, match="no attribute named 'age'"):
        metrics(found, ["age"], settings=QUICK)


def test_each_table_is_a_csv_of_the_same_metrics(found):
    values = metrics(found, ["colour", "sex"], 1, QUICK)
    tables = {name: list(csv.DictReader(io.StringIO(text))) for name, text in csv_tables(values).items()}
    crossed = {"groups_colour_x_sex.csv", "class_gaps_colour_x_sex.csv"}
    assert crossed < set(tables)
    assert {"summary.csv", "classes.csv", "confusion.csv", "fairness.csv", "heads.csv", "calibration.csv"} < set(tables)
    accuracy = next(row for row in tables["summary.csv"] if row["figure"] == "accuracy")
    assert float(accuracy["low"]) == values["summary"]["accuracy"]["low"]
    own = values["groups"]["sex"]["by_group"][0]
    assert float(tables["groups_sex.csv"][0]["selection_rate"]) == own["selection_rate"]["value"]
    assert float(tables["groups_sex.csv"][0]["selection_rate_low"]) == own["selection_rate"]["low"]
    counts = [[int(row[label]) for label in found.labels] for row in tables["confusion.csv"]]
    assert counts == values["confusion"]
    assert [row["name"] for row in tables["heads.csv"]] == ["image", "text", "ensemble"]


def test_undefined_values_are_none_in_json_and_na_in_tables_and_on_the_page(predictions):
    found = predictions([0, 0, 1, 1], [0, 0, 0, 0], classes=3, group=list("abab"))
    values = metrics(found, ["group"], 2, replace(QUICK, leave_out_small_groups=False))
    assert values["classes"][2]["recall"] is None
    assert values["summary"]["macro_auroc"]["value"] is None
    assert values["calibration"] is values["micro_auroc"] is values["leakage"]["group"] is None
    assert values["groups"]["group"]["fairness"]["equal_opportunity_difference"] is None
    assert values["groups"]["group"]["undefined"]["true_positive_rate"] == ["a", "b"]
    assert values["never_predicted"] == ["c1"]
    assert not any(isinstance(one, float) and np.isnan(one) for one in plain_values(values))
    text = csv_tables(values)["classes.csv"]
    assert "c2,0,0,n/a,n/a,n/a,n/a,n/a,n/a" in text
    shown = page([values])
    assert "n/a" in shown
    assert "Never predicted: c1." in shown
    assert "Recall is n/a for a, b (no picture of this class), so comparisons that use it are n/a too." in shown
    assert "nan" not in shown.lower()


class Tags(HTMLParser):
    """Notes what is opened and not closed, and all attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs


def test_the_page_is_well_formed_and_loads_nothing(found):
    tags = Tags()
    tags.feed(page([metrics(found, ["colour", "sex"], 1, QUICK)]))
    assert tags.open == []
    assert {"table", "svg", "style", "h1", "h3"} <= set(tags.seen)
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert not [value for name, value in tags.attributes if name in ("src", "href") or name.startswith("on")]
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in tags.attributes


def test_names_from_users_are_never_html(predictions):
    evil = "<script>alert(1)</script>"
    found = predictions([0, 1, 0, 1], [0, 1, 1, 1], group=[evil, "b", evil, "b"])
    found = replace(
        found, name=evil, labels=(evil, '"><img src=x>'), notes=(evil,), attributes={evil: found.attributes["group"]}
    )
    shown = page([metrics(found, [evil], settings=QUICK)], evil)
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown


def test_accuracy_by_group_covers_all_classes_and_says_so(found):
    values = metrics(found, ["sex"], 1, QUICK)
    group = values["groups"]["sex"]
    whole = compare_groups(found, grouped(found, ["sex"]), 1)
    accuracies = [each.rates["accuracy"].value for each in whole.groups]
    assert [row["accuracy"]["value"] for row in group["by_group"]] == accuracies
    assert group["all_classes"]["accuracy_difference"] == whole.between["accuracy_difference"]
    shown = page([values])
    assert shown.index("sex: accuracy over all classes") < shown.index("sex: rates for the class c1 against the rest")
    lowest = whole.extremes("accuracy")[0].rates["accuracy"]
    assert f"{number(lowest.value)} [{number(lowest.low)}, " in shown
    own = list(csv.DictReader(io.StringIO(csv_tables(values)["groups_sex.csv"])))
    assert [float(row["accuracy"]) for row in own] == accuracies


def test_groups_that_are_too_small_to_be_compared_are_named(found):
    values = metrics(found, ["sex"], 1, replace(QUICK, group_minimum=1000))
    group = values["groups"]["sex"]
    assert (group["left_out"], group["fairness"]["disparate_impact"]) == (["f", "m"], None)
    assert "Too few pictures to be compared: f, m." in page([values])


def test_a_column_for_other_classes_appears_only_if_there_are_some(found):
    assert ">other</th>" not in page([metrics(found, settings=QUICK)])
    assert ">other</th>" in page([metrics(found, settings=replace(QUICK, classes_shown=2))])


def test_empty_bins_of_confidence_are_left_out_of_the_page(found):
    values = metrics(found, settings=QUICK)
    full = [one for one in values["calibration"]["bins"] if one["samples"]]
    assert len(full) < len(values["calibration"]["bins"])
    calibration = page([values]).partition("Calibration</h3>")[2].partition("</table>")[0]
    assert calibration.count("<tr>") == 1 + len(full)


def test_models_are_shown_side_by_side(found, drawn):
    shown = page([metrics(found, settings=QUICK), metrics(replace(drawn(5, 50, 3), name="other"), settings=QUICK)])
    assert "<th>made</th><th>other</th>" in shown
    assert shown.index("<h2>made</h2>") < shown.index("<h2>other</h2>")


@pytest.mark.parametrize(
    ("value", "text"), [(None, "n/a"), (True, "yes"), (False, "no"), (3, "3"), (0.12345, "0.123"), (0.0, "0.000")]
)
def test_numbers_have_three_decimals(value, text):
    assert number(value) == text


def test_a_text_that_a_spreadsheet_would_run_is_quoted(predictions):
    found = replace(predictions([0, 1], [0, 1]), labels=("=1+1", "b"))
    assert csv_tables(metrics(found, settings=QUICK))["classes.csv"].splitlines()[1].startswith("'=1+1,")


def test_no_table_has_a_name_outside_its_folder(predictions):
    found = predictions([0, 1, 0, 1], [0, 1, 1, 1])
    found = replace(found, attributes={"../../etc": np.array(list("abab"))})
    names = csv_tables(metrics(found, ["../../etc"], settings=QUICK))
    assert "groups__etc.csv" in names
    assert all("/" not in name and not name.startswith(".") for name in names)
