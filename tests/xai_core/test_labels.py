from __future__ import annotations

import json

import numpy as np
import pytest

from xai_core.errors import DataError
from xai_core.labels import find_class, imagenet_labels, labels_for, read_labels
from xai_core.types import Capability, Card, InputSpec

CATS = ("cat", "dog", "emu")


def card(classes: int, labels: tuple[str, ...] = ()) -> Card:
    return Card("onnx", "onnx", classes, InputSpec(8, 8), Capability.PREDICT, labels=labels)


def as_json(values) -> bytes:
    return json.dumps(values).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"cat\ndog\nemu\n",
        b"cat\r\ndog\r\n\r\nemu\r\n\r\n",
        b"\xef\xbb\xbfcat\ndog\nemu",
        "cat\ndog\nemu".encode("utf-16"),
        b"0 cat\n1 dog\n2 emu",
        b"1: dog\n0: cat\n2: emu",
        b"n02123045 cat\nn02084071 dog\nn01518878 emu",
        as_json(["cat", "dog", "emu"]),
        as_json({"0": "cat", "2": "emu", "1": "dog"}),
        as_json({"1": "cat", "2": "dog", "3": "emu"}),
        as_json({"emu": 2, "cat": 0, "dog": 1}),
        as_json({"0": ["n02123045", "cat"], "1": ["n02084071", "dog"], "2": ["n01518878", "emu"]}),
        as_json({"id2label": {"0": "cat", "1": "dog", "2": "emu"}, "model_type": "vit"}),
        as_json({"labels": ["cat", "dog", "emu"], "version": 1}),
        b"index,label\n2,emu\n0,cat\n1,dog\n",
        b"label\ncat\ndog\nemu\n",
        b"0,cat\n1,dog\n2,emu\n",
        b"index;label\n0;cat\n1;dog\n2;emu\n",
        b"id\tname\n0\tcat\n1\tdog\n2\temu\n",
        b",label\n0,cat\n1,dog\n2,emu\n",
        b"file,class\na.png,cat\nb.png,dog\nc.png,emu\n",
    ],
)
def test_the_same_three_labels_are_read_from_every_kind_of_file(data):
    assert read_labels(data, 3) == CATS


@pytest.mark.parametrize(
    "data", [b"cat,1\ndog,2\nemu,3", b"cat\ndog\nemu", b"0,cat\n1,dog\n2,emu", b'"cat"\n"dog"\n"emu"']
)
def test_a_csv_file_needs_no_header(data):
    assert read_labels(data, 3, "labels.csv") == CATS


def test_a_line_of_text_may_hold_commas():
    assert read_labels(b"tench, Tinca tinca\ngoldfish, Carassius auratus") == (
        "tench, Tinca tinca",
        "goldfish, Carassius auratus",
    )


def test_digits_may_be_labels():
    assert read_labels(b"7\n8\n9", 3) == ("7", "8", "9")
    assert read_labels(as_json([7, 8, 9]), 3) == ("7", "8", "9")


def test_a_quoted_cell_may_hold_the_separator():
    assert read_labels(b'index,label\n0,"cat, tabby"\n1,dog', 2) == ("cat, tabby", "dog")


def test_letters_of_old_encodings_are_read():
    assert read_labels("Bär\nKuh".encode("latin-1"), 2) == ("Bär", "Kuh")
    assert read_labels("Bär\nKuh".encode(), 2) == ("Bär", "Kuh")


def test_markup_in_a_label_stays_as_it_is():
    assert read_labels(b"<script>alert(1)</script>\ncat") == ("<script>alert(1)</script>", "cat")


def test_control_characters_are_dropped():
    assert read_labels(b"ca\x1bt\x07\ndog") == ("cat", "dog")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"cat\ndog", "contains 2 labels, but the model has 3 classes"),
        (b"cat\ndog\nemu\nowl", "contains 4 labels"),
        (as_json({"0": "cat", "1": "dog", "4": "emu"}), "no class 2"),
        (as_json({"cat": 0, "dog": 0, "emu": 1}), "no class 2"),
        (as_json({"cat": "x"}), "where a class number was expected"),
        (as_json(["cat", None, "emu"]), "'None' where a label was expected"),
        (as_json([["a"], [], "emu"]), "where a label was expected"),
        (as_json([]), "contains no labels"),
        (b'{"0": "cat", ', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"index,label\nx,cat\n1,dog\n2,emu", "no number or no label"),
        (b"index,label\n0,cat\n1\n2,emu", "no number or no label"),
        (as_json(["cat", "", "emu"]), "empty. Every class"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text"),
        (b"x" * 301 + b"\ndog\nemu", "301 characters"),
        (b"cat\n" * (1 << 21), "more than 4 MB. It needs one label per class"),
    ],
)
def test_a_bad_label_file_is_refused_with_the_reason(data, sentence):
    with pytest.raises(DataError, match=sentence):
        read_labels(data, 3)


def test_imagenet_has_a_thousand_labels_in_the_standard_order():
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert (labels[0], labels[285], labels[999]) == ("tench", "Egyptian cat", "toilet tissue")


def test_labels_come_from_the_model_file_or_imagenet_or_numbers():
    assert labels_for(card(3, CATS)) == CATS
    assert labels_for(card(1000)) == imagenet_labels()
    assert labels_for(card(4, CATS))[3] == "class 3"


@pytest.mark.parametrize(("text", "index"), [("1", 1), (" dog ", 1), ("DOG", 1), ("em", 2), ("0", 0)])
def test_a_class_is_found_by_its_number_its_name_or_a_part_of_it(text, index):
    assert find_class(text, CATS) == index


@pytest.mark.parametrize("number", [66, -1, np.int64(66)])
def test_a_whole_number_is_never_searched_for_in_the_names(number):
    assert find_class(np.int64(1), ("route 66", "cat")) == 1
    with pytest.raises(DataError, match=rf"no class {number}\. Enter a number from 0 to 1"):
        find_class(number, ("route 66", "route -1"))


def test_an_exact_name_wins_over_a_partial_match():
    assert find_class("cat", ("cat and dog", "cat")) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("owl", "no class 'owl'. Enter a name, or a number from 0 to 2"),
        ("dgo", "Did you mean dog"),
        ("3", "from 0 to 2"),
        ("-1", "from 0 to 2"),
        ("", "no class ''"),
        ("9" * 5000, "no class"),
    ],
)
def test_an_unknown_class_is_refused_with_a_suggestion(text, sentence):
    with pytest.raises(DataError, match=sentence):
        find_class(text, CATS)


def test_an_ambiguous_name_lists_the_matching_classes():
    with pytest.raises(DataError, match=r"'shark' matches 3 classes: great white shark \(2\)"):
        find_class("shark", ("a", "b", "great white shark", "tiger shark", "nurse shark"))
