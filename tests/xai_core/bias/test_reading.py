from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xai_core.bias import table_files
from xai_core.bias.reading import read_predictions
from xai_core.errors import DataError

PLAIN = {
    "y_true": ["cat", "dog", "cat"],
    "prob_cat": [0.7, 0.4, 0.2],
    "prob_dog": [0.3, 0.6, 0.8],
    "sex": ["f", "m", None],
    "file": ["a.png", "b.png", "c.png"],
}


def csv_of(columns, **options):
    return pd.DataFrame(columns).to_csv(index=False, **options).encode()


def parquet_of(columns):
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer)
    return buffer.getvalue()


def npz_of(**arrays):
    """Return the bytes of an npz; numpy's own writer takes no array called file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            part = io.BytesIO()
            np.save(part, np.asarray(values))
            archive.writestr(f"{name}.npy", part.getvalue())
    return buffer.getvalue()


def npz_of_plain():
    columns = {name: [value or "" for value in PLAIN[name]] for name in ("y_true", "sex", "file")}
    rows = np.array([PLAIN["prob_cat"], PLAIN["prob_dog"]]).T
    return npz_of(**columns, probabilities=rows, labels=np.array(["cat", "dog"]))


@pytest.mark.parametrize("data", [csv_of(PLAIN), parquet_of(PLAIN), npz_of_plain()], ids=["csv", "parquet", "npz"])
def test_the_same_table_reads_the_same_in_every_format(data):
    found = read_predictions(data, "mine")
    assert (found.name, found.labels) == ("mine", ("cat", "dog"))
    assert found.truth.tolist() == [0, 1, 0]
    assert found.predicted.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(found.probabilities, np.array([PLAIN["prob_cat"], PLAIN["prob_dog"]], np.float32).T)
    assert found.attributes["sex"].tolist() == ["f", "m", ""]
    assert list(found.attributes) == ["sex"]
    assert found.files.tolist() == ["a.png", "b.png", "c.png"]


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(2, 5))
@settings(max_examples=10, deadline=None)
def test_what_is_written_is_read_back(seed, size, classes):
    random = np.random.default_rng(seed)
    truth, rows = random.integers(0, classes, size), random.dirichlet(np.ones(classes), size)
    columns = {"y_true": truth} | {f"prob_{n}": rows[:, n] for n in range(classes)}
    for data in (csv_of(columns), parquet_of(columns), npz_of(y_true=truth, probs=rows)):
        found = read_predictions(data, "x")
        assert found.labels == tuple(map(str, range(classes)))
        assert found.truth.tolist() == truth.tolist()
        np.testing.assert_allclose(found.probabilities, rows, rtol=1e-6)


def test_numbers_are_classes_of_given_labels_or_of_their_own_names():
    data = csv_of({"truth": [0, 2, 1], "pred": [0, 1, 1]})
    assert read_predictions(data, "x").labels == ("0", "1", "2")
    named = read_predictions(data, "x", labels=["cat", "dog", "cow"])
    assert (named.labels, named.truth.tolist()) == (("cat", "dog", "cow"), [0, 2, 1])


def test_numbers_are_names_if_labels_are_numbers():
    found = read_predictions(csv_of({"y_true": [3, 5], "prob_5": [0.1, 0.9], "prob_3": [0.9, 0.1]}), "x")
    assert found.labels == ("3", "5")
    assert found.truth.tolist() == found.predicted.tolist() == [0, 1]


def test_columns_called_like_the_classes_are_probabilities():
    found = read_predictions(csv_of({"label": ["cat", "dog"], "dog": [0.1, 0.7], "cat": [0.9, 0.3]}), "x")
    assert found.labels == ("dog", "cat")
    assert found.predicted.tolist() == [1, 0]
    assert not found.attributes


def test_a_predicted_column_is_believed_and_differences_are_noted():
    found = read_predictions(csv_of(PLAIN | {"y_pred": ["cat", "cat", "dog"]}), "x")
    assert found.predicted.tolist() == [0, 0, 1]
    assert any("In 1 rows the predicted class is not the most probable" in note for note in found.notes)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_and_decimal_commas_are_read(separator):
    text = csv_of(PLAIN, sep=separator, decimal="," if separator == ";" else ".")
    assert read_predictions(text, "x").predicted.tolist() == [0, 1, 1]


def test_what_spreadsheets_leave_is_read():
    text = "\ufeffy_true , y_pred\nÄpfel,NA\nNA,NA\n"
    for data in (text.encode(), text.removeprefix("\ufeff").encode("latin-1")):
        found = read_predictions(data, "x")
        assert found.labels == ("NA", "Äpfel")
        assert found.truth.tolist() == [1, 0]


def test_whole_numbers_with_gaps_stay_whole():
    found = read_predictions(csv_of({"y_true": [0, 1, 1], "y_pred": [0, 1, 0], "age": [30, None, 40]}), "x")
    assert found.attributes["age"].tolist() == ["30", "", "40"]


def test_heads_are_read_from_arrays_and_from_columns():
    logits = np.array([[1.0, 0], [0, 1], [2, 1]])
    columns = {f"logits_text_branch_{name}": logits[:, n] for n, name in enumerate(("cat", "dog"))}
    for data in (csv_of(PLAIN | columns), npz_of(y_true=[0, 1, 0], probs=[[0.7, 0.3]] * 3, logits_text_branch=logits)):
        found = read_predictions(data, "x")
        assert list(found.heads) == ["text_branch"]
        np.testing.assert_array_equal(found.heads["text_branch"], logits)
    assert list(read_predictions(csv_of(PLAIN | columns), "x").attributes) == ["sex"]


def test_an_array_called_labels_is_the_truth_where_there_is_no_other():
    found = read_predictions(npz_of(labels=np.array([0, 1, 1]), probs=np.array([[0.9, 0.1]] * 3)), "x")
    assert found.truth.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        ({"y_true": ["a", "a"], "y_pred": ["a", "b"]}, "There are no pictures of b"),
        ({"y_true": [0, 1], "y_pred": [0, 1], "file": ["x", "x"]}, "1 rows name a picture that a different row names"),
        ({"y_true": [0, 1], "y_pred": [0, 1], "sex": ["f", "f"]}, "The attribute sex has only one value"),
        (
            {"y_true": [0, 1], "y_pred": [0, 1], "sex": ["f", "m"]},
            "Some groups of sex have fewer than 30 pictures (f, m)",
        ),
        ({"y_true": [0] * 60, "y_pred": [0] * 60, "id": range(60)}, "The column id has 60 values, too many"),
    ],
)
def test_what_is_worth_knowing_is_noted(columns, note):
    assert any(note in one for one in read_predictions(csv_of(columns), "x").notes)


def test_rows_of_independent_probabilities_are_not_offered_to_be_normalised_alone():
    rows = {"y_true": ["a"] * 2, "prob_a": [0.9, 0.8], "prob_b": [0.7, 0.1]}
    with pytest.raises(DataError, match=r"If several labels may be right at once \(sigmoid\), do not normalise"):
        read_predictions(csv_of(rows), "x")


def test_missing_names_of_pictures_are_no_doubles():
    found = read_predictions(csv_of({"y_true": [0, 1, 0], "y_pred": [0, 1, 0], "file": ["a", None, None]}), "x")
    assert found.notes == ()


def test_arrays_that_are_no_columns_are_left_out_and_named():
    found = read_predictions(npz_of(y_true=[0, 1], y_pred=[0, 1], embedding=np.ones((2, 7)), scale=np.array(3.0)), "x")
    assert [note for note in found.notes if "is not a column" in note] == [
        "The array embedding is not a column and was skipped.",
        "The array scale is not a column and was skipped.",
    ]
    assert not found.heads


def test_rows_that_do_not_add_up_are_normalised_when_that_is_asked_for():
    columns = {"y_true": [0, 1], "prob_0": [2.0, 0.5], "prob_1": [2.0, 0.5]}
    with pytest.raises(DataError, match=r"1 rows do not add up to 1; those of row 1 add up to 4\. Normalise"):
        read_predictions(csv_of(columns), "x")
    found = read_predictions(csv_of(columns), "x", normalise=True)
    assert found.probabilities.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert found.predicted.tolist() == [0, 0]
    assert any("1 rows of probabilities did not add up to 1" in note for note in found.notes)


def test_rounded_probabilities_are_near_enough():
    rows = np.random.default_rng(0).dirichlet(np.ones(100), 50).astype(np.float16)
    assert read_predictions(npz_of(y_true=np.arange(50), probs=rows), "x").classes == 100


PROBABLE = {"y_true": ["a", "b"], "prob_a": [0.5, 0.5], "prob_b": [0.5, 0.5]}
FAULTS = [
    ({"prob_a": [1.0], "prob_b": [0.0]}, "The true classes are missing. Expected a column y_true"),
    ({"y_true": ["a", "b"], "sex": ["f", "m"]}, "The table has neither predicted classes nor probabilities"),
    ({"y_true": [], "y_pred": []}, "The table is empty"),
    ({"y_true": ["a", None], "y_pred": ["a", "b"]}, "Row 2 has no true class"),
    ({"y_true": [None, None], "y_pred": [None, None]}, "Row 1 has no true class"),
    ({"y_true": ["a", "b"], "y_pred": ["a", None]}, "Row 2 has no predicted class"),
    (PROBABLE | {"y_true": ["a", "c"]}, "Row 2 has the true class 'c', which is not among the 2 classes"),
    (PROBABLE | {"prob_a": [0.5, -0.5]}, "Row 2 has a probability that is negative or not a number"),
    (PROBABLE | {"prob_a": [0.5, None]}, "Row 2 has a probability that is negative or not a number"),
    (
        {"y_true": ["a"] * 3, "prob_a": [1, 1, "one"], "prob_b": [0] * 3},
        "Row 3 has a probability that is negative or not",
    ),
    (PROBABLE | {"prob_a": [0, 0.5], "prob_b": [0, 0.5]}, "The probabilities of row 1 are all 0"),
    ({"y_true": [999_999_999, 1], "y_pred": [0, 1]}, "The table has 1000000000 classes; at most 2000"),
    ({"y_true": range(3000), "y_pred": range(3000)}, "The table has 3000 classes"),
]


@pytest.mark.parametrize(("columns", "sentence"), FAULTS)
@pytest.mark.parametrize("written", [csv_of, parquet_of])
def test_each_fault_has_its_sentence(written, columns, sentence):
    if written is parquet_of and "one" in columns.get("prob_a", []):
        columns = columns | {"prob_a": list(map(str, columns["prob_a"]))}
    with pytest.raises(DataError, match=sentence.replace("(", r"\(")):
        read_predictions(written(columns), "x")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["a", "b", "c"], "There are probabilities for 2 classes, but none for 'c'. Add prob_c"),
        (["a"], "There are probabilities for 'b', which is not among the 1 classes"),
    ],
)
def test_labels_that_do_not_fit_the_probabilities_are_refused(labels, sentence):
    with pytest.raises(DataError, match=sentence):
        read_predictions(csv_of(PROBABLE), "x", labels=labels)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"y_true": [0, 1], "y_pred": [0]}, r"differ in length \(y_true 2, y_pred 1\)"),
        (
            {"y_true": ["a"], "probs": [[1, 0, 0]], "labels": ["a", "b"]},
            "Each row has 3 probabilities, but there are 2 classes",
        ),
        (
            {"y_true": [0, 1], "y_pred": [0, 1], "logits_x": np.ones((2, 3))},
            "The head 'x' has 3 logits per row, but there",
        ),
        ({"y_true": [0, 1], "y_pred": [0, 1], "logits_x": np.full((2, 2), np.nan)}, "logits that are not numbers"),
        ({"y_true": np.array([{}, []], object), "y_pred": [0, 1]}, "contains Python objects, which are never"),
    ],
)
def test_each_fault_of_arrays_has_its_sentence(arrays, sentence):
    with pytest.raises(DataError, match=sentence):
        read_predictions(npz_of(**arrays), "x")


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\1\2\3", b"PAR1 nothing PAR1", b"\n\n", b'y_true,y_pred\n"a,b'],
)
def test_bytes_that_are_not_a_table_are_refused(data):
    with pytest.raises(DataError) as raised:
        read_predictions(data, "x")
    assert "Expected a column y_true" in str(raised.value)


@pytest.mark.parametrize("data", [b"PK\3\4 nothing", npz_of(y_true=[0, 1])[:40]])
def test_an_npz_that_is_cut_short_is_refused(data):
    with pytest.raises(DataError, match="The npz is damaged"):
        read_predictions(data, "x")


@pytest.mark.parametrize("written", [csv_of, npz_of])
def test_a_table_of_too_many_rows_is_refused(written, monkeypatch):
    monkeypatch.setattr(table_files, "MOST_ROWS", 3)
    columns = {"y_true": np.zeros(4, int), "y_pred": np.zeros(4, int)}
    with pytest.raises(DataError, match="rows"):
        read_predictions(npz_of(**columns) if written is npz_of else csv_of(columns), "x")
    with pytest.raises(DataError, match="4 rows; at most 3"):
        read_predictions(parquet_of(columns), "x")


def test_a_file_that_is_too_large_or_would_unpack_to_too_much_is_refused(monkeypatch):
    bomb = npz_of(y_true=np.zeros(3_000_000, np.int64), y_pred=np.zeros(3_000_000, np.int64))
    assert len(bomb) < 1 << 17
    monkeypatch.setattr(table_files, "LARGEST_UNPACKED", 1 << 20)
    with pytest.raises(DataError, match="would unpack to 45 MB; at most 1 MB"):
        read_predictions(bomb, "x")
    monkeypatch.setattr(table_files, "LARGEST", 1 << 10)
    with pytest.raises(DataError, match="The file has"):
        read_predictions(bytes(2 << 10), "x")


def test_an_array_that_promises_more_than_it_holds_is_refused():
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (10**13,)})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("y_true.npy", header.getvalue())
    with pytest.raises(DataError, match="y_true claims 10000000000000 items of 8 bytes but stores 0 bytes"):
        read_predictions(buffer.getvalue(), "x")


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(DataError, match="2 columns are named 'y_pred'"):
        read_predictions(b"y_true,y_pred,y_pred\n0,1,1\n", "x")


@pytest.mark.parametrize("rows", ["0,1,x\n0,1\n", "0,1\n0,1,x\n"])
def test_rows_that_are_longer_than_the_header_are_refused(rows):
    with pytest.raises(DataError, match="A row of the table has more values than the header has names"):
        read_predictions(f"y_true,y_pred\n{rows}".encode(), "x")


def test_numbers_of_rows_without_a_name_are_passed_over():
    found = read_predictions(csv_of({"y_true": range(60), "y_pred": range(60)}), "x")
    numbered = read_predictions(pd.DataFrame({"y_true": range(60), "y_pred": range(60)}).to_csv().encode(), "x")
    assert numbered.notes == found.notes == ()
    assert not numbered.attributes
