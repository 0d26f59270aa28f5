from __future__ import annotations

import csv
import json

import pytest

from tests.bad_files.tables import FILES
from vitrine.samples import coloured_digits, sample_predictions
from xai_core.bias.group_comparison import compare_groups
from xai_core.bias.groups import grouped
from xai_core.bias.settings import Settings
from xai_core.bias.summary import summary
from xai_core.wording import number


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    rows = [
        ("cat", 2, 2, "f", "old"),
        ("dog", 1, 3, "m", "old"),
        ("dog", 3, 1, "f", "young"),
        ("cat", 3, 1, "m", "young"),
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("y_true", "prob_cat", "prob_dog", "sex", "age"), *rows * 10])
    return path


def test_the_metrics_are_those_of_the_core(vitrine, tmp_path):
    shown = vitrine(
        "bias",
        coloured_digits(),
        "--attribute",
        "colour",
        "--positive",
        "3",
        "--bootstrap-samples",
        "200",
        "--out",
        tmp_path,
    )
    assert (shown.status, shown.err) == (0, "")
    values = json.loads((tmp_path / "metrics.json").read_text("utf-8"))
    found = sample_predictions()
    figures = summary(found, 200)
    for name, figure in figures.items():
        assert (values["summary"][name]["value"], values["summary"][name]["low"]) == (figure.value, figure.low)
    comparison = compare_groups(found, grouped(found, ["colour"]), 3)
    assert values["groups"]["colour"]["positive"] == "3"
    ratio = values["groups"]["colour"]["fairness"]["demographic_parity_ratio"]
    assert ratio == comparison.between["demographic_parity_ratio"]
    assert f"{figures['accuracy'].value:.3f} [{figures['accuracy'].low:.3f}, " in shown.out
    red, green = (number(group.rates["accuracy"].value) for group in comparison.extremes("accuracy"))
    lines = shown.out.partition("Groups of colour, accuracy over all classes\n")[2].splitlines()
    assert lines[0].split()[:2] == ["green", green]
    assert lines[1].split()[:2] == ["red", red]
    assert "Groups of colour, the class 3 against the rest" in lines


def test_tables_and_a_page_are_written_and_their_paths_printed(vitrine, tmp_path):
    shown = vitrine(
        "bias", coloured_digits(), "--attribute", "colour", "--bootstrap-samples", "100", "--out", tmp_path / "new"
    )
    paths = [line for line in shown.out.splitlines() if line.startswith(str(tmp_path))]
    assert sorted(paths) == sorted(str(path) for path in (tmp_path / "new").iterdir())
    page = (tmp_path / "new/bias.html").read_text("utf-8")
    assert "Bias of coloured_digits.npz" in page
    with (tmp_path / "new/summary.csv").open() as file:
        assert {row["figure"] for row in csv.DictReader(file)} >= {"accuracy", "degree_of_bias", "degree_of_bias_floor"}


def test_written_predictions_give_the_same_metrics(vitrine, tmp_path):
    words = ("--attribute", "colour", "--bootstrap-samples", "100", "--out")
    vitrine("bias", coloured_digits(), *words, tmp_path / "first")
    shown = vitrine("bias", tmp_path / "first/predictions.csv", *words, tmp_path / "second")
    assert (shown.status, shown.err) == (0, "")
    first, second = (json.loads((tmp_path / one / "metrics.json").read_text()) for one in ("first", "second"))
    assert first | {"name": ""} == second | {"name": ""}


def test_the_table_itself_is_never_overwritten(vitrine, table, tmp_path):
    own = table.rename(tmp_path / "predictions.csv")
    before = own.read_bytes()
    shown = vitrine("bias", own, "--normalise", "--bootstrap-samples", "100", "--out", tmp_path)
    assert shown.status == 0
    assert own.read_bytes() == before


def test_flags_are_those_of_the_settings(vitrine, table, tmp_path):
    given = {
        "interval_level": 0.8,
        "group_minimum": 5,
        "classes_shown": 2,
        "bootstrap_samples": 100,
        "stratify_by": "sex",
    }
    words = [word for name, value in given.items() for word in ("--" + name.replace("_", "-"), value)]
    attributes = ("--attribute", "sex", "--attribute", "age", "--normalise")
    shown = vitrine("bias", table, *attributes, *words, "--out", tmp_path)
    values = json.loads((tmp_path / "metrics.json").read_text("utf-8"))
    assert values["settings"] == Settings(**given).values() | {"seed": 0}
    assert list(values["groups"]) == ["sex", "age", "sex × age"]
    assert not any(one["small"] for one in values["groups"]["sex"]["by_group"])
    assert (
        "Note: 40 rows of probabilities did not add up to 1 and were normalised, so exactly one class is" in shown.out
    )


@pytest.mark.long
def test_the_attacker_can_be_chosen(vitrine, table, tmp_path):
    words = ("--normalise", "--bootstrap-samples", "100", "--attacker", "MLP", "--attribute", "sex")
    vitrine("bias", table, *words, "--out", tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text("utf-8"))["leakage"]["sex"]["attacker"] == "MLP"


def test_labels_give_the_order_of_the_classes(vitrine, table, tmp_path):
    (tmp_path / "labels.txt").write_text("dog\ncat")
    vitrine(
        "bias",
        table,
        "--labels",
        tmp_path / "labels.txt",
        "--normalise",
        "--bootstrap-samples",
        "100",
        "--out",
        tmp_path,
    )
    assert json.loads((tmp_path / "metrics.json").read_text("utf-8"))["labels"] == ["dog", "cat"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "The probabilities of 40 rows do not add up to 1"),
        (
            ("--normalise", "--attribute", "height"),
            "The table has no attribute named 'height'. Its attributes: sex, age.",
        ),
        (("--normalise", "--positive", "cow"), "There is no class 'cow'"),
        (("--normalise", "--bootstrap-samples", "5"), "Bootstrap samples must be between 100 and 5,000; got 5."),
        (("--normalise", "--interval-level", "sure"), "Interval level must be a number; got 'sure'."),
        (("--normalise", "--stratify-by", "height"), "The table has no attribute named 'height'"),
        (("--normalise", "--attacker", "svm"), "Attacker must be one of linear, MLP; got 'svm'."),
        (("--labels", "gone.txt"), "There is no label file called gone.txt that can be read."),
    ],
)
def test_a_wrong_argument_ends_in_one_sentence(vitrine, table, tmp_path, words, sentence):
    assert sentence in vitrine("bias", table, *words, "--out", tmp_path / "out").sentence_of(2)
    assert not (tmp_path / "out").exists()


def test_a_table_that_is_missing_or_unreadable_is_refused(vitrine, tmp_path):
    sentence = vitrine("bias", "gone.csv", "--out", tmp_path).sentence_of(2)
    assert sentence == "There is no table called gone.csv that can be read."
    (tmp_path / "poem.csv").write_text("Roses are red\nViolets are blue\n")
    assert "The true classes are missing" in vitrine("bias", tmp_path / "poem.csv", "--out", tmp_path).sentence_of(2)


def test_a_folder_that_cannot_be_written_is_refused(vitrine, table, tmp_path):
    (tmp_path / "taken").write_text("a file")
    sentence = vitrine(
        "bias", table, "--normalise", "--bootstrap-samples", "100", "--out", tmp_path / "taken"
    ).sentence_of(2)
    assert sentence == "The folder taken cannot be written: File exists."


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("items of size zero", "The array y_pred is of the type <U0. Save numbers or texts."),
        pytest.param(
            *("parquet of repeated texts", "Reading this file needs more than 2000 MB of memory. Use a smaller one."),
            marks=pytest.mark.long,
        ),
        ("20,000 columns", "The table has 20004 columns; at most 5000 are read."),
    ],
)
def test_a_hostile_table_costs_its_own_process_and_ends_in_a_sentence(vitrine, tmp_path, name, sentence):
    (tmp_path / "table").write_bytes(FILES[name]())
    assert vitrine("bias", tmp_path / "table", "--out", tmp_path / "out").sentence_of(2) == sentence


@pytest.fixture
def titled(tmp_path):
    path = tmp_path / "titled.csv"
    path.write_text("True Label,P(cat),P(dog)\n" + "cat,70,30\ndog,40,60\ndog,60,40\n,50,50\n" * 3)
    return path


def test_a_table_with_other_names_is_refused_with_the_flags_that_read_it(vitrine, titled, tmp_path):
    shown = vitrine("bias", titled, "--out", tmp_path / "out")
    assert shown.status == 2
    assert "'True Label' is the true class, by its name." in shown.err
    assert "3 without a class (rows 4, 8, 12)." in shown.err
    flags = "--column 'y_true=True Label' --column 'prob_cat=P(cat)' --column 'prob_dog=P(dog)'"
    assert f"Add {flags} --percent --leave-out-rows, or --guess-columns" in shown.err


@pytest.mark.parametrize(
    "flags",
    [
        ["--guess-columns"],
        ["--column", "y_true=True Label", "--column", "prob_cat=P(cat)", "--column", "prob_dog=P(dog)", "--percent"],
        ["--column", "y_true=True Label", "--column", "prob_cat=P(cat)", "--percent"],
    ],
)
def test_the_printed_flags_read_the_table(vitrine, titled, tmp_path, flags):
    shown = vitrine("bias", titled, *flags, "--leave-out-rows", "--out", tmp_path / "out")
    assert (shown.status, shown.err) == (0, "")
    assert "9 pictures, 2 classes" in shown.out
    assert "Note: 3 rows were left out: 3 without a class (rows 4, 8, 12)." in shown.out
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["summary"]["accuracy"]["value"] == 2 / 3


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("y_true=Height", "The table has no column 'Height'. Its columns are True Label, P(cat), P(dog)."),
        ("sex=True Label", "A column is y_true, y_pred, file or prob_<class>, not 'sex'."),
        ("y_true", '--column needs a role and a name, such as "y_true=True Label"'),
    ],
)
def test_a_column_that_is_not_there_is_a_sentence(vitrine, titled, tmp_path, column, sentence):
    shown = vitrine("bias", titled, "--column", column, "--out", tmp_path / "out")
    assert (shown.status, sentence in shown.err) == (2, True)


def test_missing_values_are_compared_only_if_asked(vitrine, tmp_path):
    path = tmp_path / "missing.csv"
    path.write_text("y_true,y_pred,sex\n" + "a,a,f\n" * 30 + "a,a,m\n" * 30 + "a,b,\n" * 30)
    shown = vitrine("bias", path, "--attribute", "sex", "--out", tmp_path / "out")
    assert "Without a value, so not compared (see --compare-missing): (missing)" in shown.out
    assert "30 pictures have no value of sex; they are not compared with the others." in shown.out
    group = json.loads((tmp_path / "out" / "metrics.json").read_text())["groups"]["sex"]
    assert (group["missing"], group["all_classes"]["accuracy_difference"]) == (["(missing)"], 0.0)
    assert "not compared: (missing)" in (tmp_path / "out" / "bias.html").read_text()
    vitrine("bias", path, "--attribute", "sex", "--compare-missing", "--out", tmp_path / "out")
    group = json.loads((tmp_path / "out" / "metrics.json").read_text())["groups"]["sex"]
    assert (group["missing"], group["all_classes"]["accuracy_difference"]) == ([], 1.0)
