from __future__ import annotations

import zipfile

import pytest

from model_adapters.files import labelled
from xai_core.types import Capability, Card, FileKind, InputSpec, ModelSource

CARD = Card("tensorflow", "keras-h5", 2, InputSpec(8, 8), Capability.PREDICT)


def archive_of(path, **texts):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name.replace("_", "."), text)
    return str(path)


def test_numbered_lines_beside_the_model_name_its_classes(tmp_path):
    path = archive_of(tmp_path / "a.zip", model_h5="x", labels_txt="0 cat\n1 big dog\n")
    assert labelled.named(CARD, path).labels == ("cat", "big dog")


def test_names_of_another_number_of_classes_are_said_and_not_used(tmp_path):
    path = archive_of(tmp_path / "a.zip", labels_txt="cat\ndog\nbird\n")
    card = labelled.named(CARD, path)
    assert card.labels == ()
    assert card.notes == ("The archive's labels.txt names 3 classes, but the model has 2; the names are not used.",)


def test_a_file_that_is_no_archive_names_nothing(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    assert labelled.named(CARD, str(tmp_path / "a.h5")) is CARD


@pytest.mark.parametrize(
    ("names", "model"),
    [
        (["keras_model.h5", "labels.txt"], "keras_model.h5"),
        (["__MACOSX/._m.h5", "x/._m.h5", "x/m.keras"], "x/m.keras"),
        (["a.h5", "b.h5"], None),
        (["labels.txt"], None),
    ],
)
def test_an_archive_has_a_model_if_only_one_file_can_be_it(names, model):
    assert labelled.model_among(names) == model


def test_the_model_is_unpacked_for_the_worker(tmp_path):
    path = archive_of(tmp_path / "a.zip", model_h5="content", labels_txt="cat")
    source = ModelSource(path, "a.zip", "")
    inner, kind = labelled.unpacked(source, FileKind("keras-h5-zip", "tf_keras"), str(tmp_path))
    assert kind == FileKind("keras-h5", "tf_keras")
    with open(inner.path) as file:
        assert file.read() == "content"
