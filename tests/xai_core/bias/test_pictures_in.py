from __future__ import annotations

import hashlib
import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from xai_core.bias import archives, picture_arrays
from xai_core.bias.pictures_in import read_picture_set
from xai_core.errors import DataError, ImageError


def png(shade=0, side=8):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (shade, shade, shade)).save(buffer, "PNG")
    return buffer.getvalue()


def zip_of(files, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npz_of(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


FOLDERS = {"cats/1.png": png(1), "cats/2.png": png(2), "dogs/1.png": png(3)}
LISTED = {
    "labels.csv": "file,label,sex\na.png,cat,f\nmore/b.png,dog,m\nc.png,cat,\n",
    "a.png": png(1),
    "more/b.png": png(2),
    "c.png": png(3),
}


def test_folders_are_classes():
    found = read_picture_set(zip_of(FOLDERS), "pets.zip")
    assert (found.name, len(found), found.labels) == ("pets.zip", 3, ("cats", "dogs"))
    assert found.actual.tolist() == ["cats", "cats", "dogs"]
    assert found.files.tolist() == sorted(FOLDERS)
    assert found.notes == ()
    assert not found.attributes


def test_a_list_gives_labels_and_attributes():
    found = read_picture_set(zip_of(LISTED), "x")
    assert found.files.tolist() == ["a.png", "more/b.png", "c.png"]
    assert found.actual.tolist() == ["cat", "dog", "cat"]
    assert found.labels == ("cat", "dog")
    assert found.attributes["sex"].tolist() == ["f", "m", ""]


def test_pictures_are_opened_one_at_a_time_and_identified_by_their_bytes():
    found = read_picture_set(zip_of(FOLDERS), "x")
    picture = found.picture(2)
    assert picture.pixels.shape == (8, 8, 3)
    assert (picture.pixels == 3).all()
    assert picture.name == "dogs/1.png"
    assert found.digest(2) == picture.digest == hashlib.sha256(png(3)).hexdigest()


def test_a_damaged_picture_is_reported_only_when_it_is_opened():
    found = read_picture_set(zip_of(FOLDERS | {"dogs/2.png": b"no picture"}), "x")
    assert len(found) == 4
    with pytest.raises(ImageError, match="not a PNG"):
        found.picture(3)


@pytest.mark.parametrize("files", [FOLDERS, LISTED], ids=["folders", "list"])
def test_a_folder_a_path_and_bytes_read_the_same(tmp_path, files):
    (tmp_path / "set.zip").write_bytes(zip_of(files))
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        archive.extractall(tmp_path / "set")
    sets = [read_picture_set(one, "x") for one in (zip_of(files), tmp_path / "set.zip", tmp_path / "set")]
    for one in sets:
        assert one.files.tolist() == sets[0].files.tolist()
        assert one.actual.tolist() == sets[0].actual.tolist()
        assert [one.digest(n) for n in range(3)] == [sets[0].digest(n) for n in range(3)]
        assert (one.picture(1).pixels == sets[0].picture(1).pixels).all()


def test_sets_packed_with_their_own_folder_read_the_same():
    for files in (FOLDERS, LISTED):
        inside = read_picture_set(zip_of({f"mine/{name}": content for name, content in files.items()}), "x")
        assert inside.actual.tolist() == read_picture_set(zip_of(files), "x").actual.tolist()


def test_a_list_may_name_pictures_of_another_folder_by_their_mere_names(assets):
    found = read_picture_set(assets / "datasets/fairface", "faces", label_column="gender")
    assert len(found) == 900
    assert found.labels == ("Female", "Male")
    assert list(found.attributes) == ["age", "race"]
    assert found.picture(0).pixels.ndim == 3
    assert any("Some groups of age have fewer than 30" in note for note in found.notes)


def test_arrays_are_pictures_too(assets):
    found = read_picture_set(assets / "datasets/cifar10/cifar10_train3000_test2000.npz", "cifar")
    with np.load(assets / "datasets/cifar10/cifar10_train3000_test2000.npz") as arrays:
        pixels, classes, names = arrays["x_test"], arrays["y_test"], arrays["classes"]
    assert len(found) == 2000
    assert found.labels == tuple(names)
    assert found.actual.tolist() == names[classes].tolist()
    np.testing.assert_array_equal(found.picture(7).pixels, pixels[7])
    assert found.digest(7) == found.picture(7).digest != found.digest(8)


def test_grey_arrays_and_arrays_of_attributes_are_read():
    grey = np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8)
    found = read_picture_set(npz_of(x=grey, y=np.array([[10], [2], [10]]), sex=np.array(["f", "m", "f"])), "x")
    assert found.labels == ("2", "10")
    assert found.actual.tolist() == ["10", "2", "10"]
    assert found.attributes["sex"].tolist() == ["f", "m", "f"]
    np.testing.assert_array_equal(found.picture(1).pixels, np.repeat(grey[1][..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("files", "note"),
    [
        (FOLDERS | {"birds/": b""}, "There are no pictures of birds"),
        (FOLDERS | {"readme.txt": b"hello"}, "1 files are not pictures and were skipped"),
        (FOLDERS | {"dogs/again.png": png(3)}, "1 pictures are exact copies of others"),
        (LISTED | {"d.png": png(9)}, "1 pictures are not in labels.csv and were skipped"),
    ],
)
def test_what_is_worth_knowing_is_noted(files, note):
    assert any(note in one for one in read_picture_set(zip_of(files), "x").notes)


def test_what_systems_leave_behind_is_passed_over():
    found = read_picture_set(zip_of(FOLDERS | {"__MACOSX/cats/._1.png": b"x", "dogs/.DS_Store": b"x"}), "x")
    assert len(found) == 3
    assert found.notes == ()


def link(name, target):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("cats/1.png", png())
        archive.writestr(entry, target)
    return buffer.getvalue()


def twice():
    data = zip_of({"cats/1.png": png(), "cats/2.png": png(5)})
    return data.replace(b"cats/2.png", b"cats/1.png")


def encrypted():
    data = bytearray(zip_of(FOLDERS))
    start = data.index(b"PK\1\2")
    data[start + 8] |= 1
    return bytes(data)


def lying():
    """A zip whose entry says that it is larger than what can be unpacked."""
    data = bytearray(zip_of({"cats/1.png": png()}, zipfile.ZIP_STORED))
    start = data.index(b"PK\1\2")
    data[start + 24 : start + 28] = struct.pack("<I", 5 << 20)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "neither a zip nor an npz. Expected a zip with a folder"),
        (b"\x89PNG and so on", "neither a zip nor an npz"),
        (b"PK\3\4 cut short", "The archive is damaged or cut short"),
        (zip_of({}), "There are no pictures in x. Expected"),
        (zip_of({"notes.txt": b"hello"}), "There are no pictures in x"),
        (zip_of({"1.png": png()}), "1.png is not in a class folder, and there is no labels.csv"),
        (zip_of({"../cats/1.png": png()}), "an unsafe path: '../cats/1.png'"),
        (zip_of({"cats/../../1.png": png()}), "an unsafe path"),
        (zip_of({"/etc/1.png": png()}), "an unsafe path: '/etc/1.png'"),
        (zip_of({"C:/cats/1.png": png()}), "an unsafe path"),
        (zip_of({"cats\\1.png": png()}), "an unsafe path"),
        (link("cats/2.png", "/etc/passwd"), "The archive contains a link or a special file"),
        (twice(), "The archive contains 'cats/1.png' twice"),
        (encrypted(), "The archive is encrypted"),
        (zip_of({"cats/1.png": bytes(3 << 20)}), "a file of 3 MB packed into 2 KB. No picture"),
        (lying(), "a file of 5 MB packed into 0 KB"),
    ],
)
def test_archives_that_are_unsafe_or_no_set_of_pictures_are_refused(data, sentence):
    with pytest.raises(DataError) as raised:
        read_picture_set(data, "x")
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("label\ncat\n", "labels.csv has no column named file; it has label"),
        ("file,kind\na.png,cat\n", "There is no column named 'label'. Say which column has the classes: kind"),
        ("file,label\n", "labels.csv has no rows"),
        ("file,label\na.png,cat\nz.png,dog\n../a.png,dog\n", "names 2 pictures that are missing, the first 'z.png'"),
        ("file,label\na.png,cat\nc.png,dog\na.png,cat\n", "labels.csv names 'a.png' in rows 1 and 3"),
        ("file,label\na.png,cat\nc.png,\n", "Row 2 has no label"),
        ("", "The file cannot be read"),
    ],
)
def test_each_fault_of_a_list_has_its_sentence(text, sentence):
    with pytest.raises(DataError) as raised:
        read_picture_set(zip_of(LISTED | {"labels.csv": text}), "x")
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"y": [0]}, "The npz has no pictures x; it has y. Expected"),
        ({"x": np.zeros((2, 8, 8, 3)), "y": [0, 1]}, "The pictures x have shape (2, 8, 8, 3) and type float64"),
        ({"x": np.zeros((2, 3, 8, 8), np.uint8), "y": [0, 1]}, "have shape (2, 3, 8, 8) and type uint8"),
        (
            {"x": np.zeros((2, 4, 8, 3), np.uint8), "y": [0, 1]},
            "The pictures are 8x4; each side needs at least 8 pixels",
        ),
        ({"x": np.zeros((0, 8, 8, 3), np.uint8), "y": []}, "There are 0 pictures; 1 to 10000"),
        ({"x": np.zeros((2, 8, 8, 3), np.uint8), "y": [0]}, "There is no column named 'y'"),
        (
            {"x": np.zeros((2, 8, 8), np.uint8), "y": [0, 7], "labels": ["a", "b"]},
            "The label '7' is not among the 2 classes",
        ),
        (
            {"x": np.zeros((2, 8, 8), np.uint8), "y": np.array([{}, []], object)},
            "contains Python objects, which are never loaded",
        ),
    ],
)
def test_each_fault_of_arrays_has_its_sentence(arrays, sentence):
    with pytest.raises(DataError) as raised:
        read_picture_set(npz_of(**arrays), "x")
    assert sentence in str(raised.value)


def test_the_ten_thousand_and_first_picture_is_refused():
    files = {f"cats/{n}.png": b"x" for n in range(10_001)}
    with pytest.raises(DataError, match="There are 10001 pictures; at most 10000 are read"):
        read_picture_set(zip_of(files, zipfile.ZIP_STORED), "x")
    files.popitem()
    assert len(read_picture_set(zip_of(files, zipfile.ZIP_STORED), "x")) == 10_000
    pixels = np.zeros((10_001, 8, 8), np.uint8)
    with pytest.raises(DataError, match="There are 10001 pictures"):
        read_picture_set(npz_of(x=pixels[:, :, :, None] + np.arange(3, dtype=np.uint8), y=np.zeros(10_001)), "x")


def test_what_would_unpack_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_UNPACKED", 2 << 20)
    noise = np.random.default_rng(0).bytes(1 << 20)
    with pytest.raises(DataError, match="would unpack to 3 MB; at most 2 MB"):
        read_picture_set(zip_of({f"cats/{n}.png": noise for n in range(3)}), "x")
    monkeypatch.setattr(archives, "LARGEST_UNPACKED", 4 << 30)
    monkeypatch.setattr(picture_arrays, "LARGEST_UNPACKED", 2 << 20)
    pixels = np.random.default_rng(0).integers(0, 255, (100, 100, 100, 3), np.uint8)
    with pytest.raises(DataError, match="The npz would unpack to 2 MB; at most 2 MB"):
        read_picture_set(npz_of(x=pixels, y=np.zeros(100)), "x")


def test_an_archive_of_endless_entries_is_refused(monkeypatch):
    monkeypatch.setattr(archives, "MOST_ENTRIES", 2)
    with pytest.raises(DataError, match="The archive has 3 entries; at most 2"):
        read_picture_set(zip_of(FOLDERS), "x")


def test_links_in_a_folder_and_missing_files_are_refused(tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats/1.png").write_bytes(png())
    (tmp_path / "cats/2.png").symlink_to("/etc/passwd")
    with pytest.raises(DataError, match="The folder contains a link"):
        read_picture_set(tmp_path, "x")
    with pytest.raises(DataError) as raised:
        read_picture_set(tmp_path / "gone.zip", "x")
    assert str(raised.value) == "The file gone.zip does not exist or cannot be read."


def test_an_empty_folder_is_a_class_without_pictures(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
    (tmp_path / "cats/1.png").write_bytes(png())
    found = read_picture_set(tmp_path, "x")
    assert found.labels == ("cats", "dogs")
    assert any("There are no pictures of dogs" in note for note in found.notes)
