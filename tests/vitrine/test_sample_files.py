"""What a caller sees of samples that cannot be built."""

from __future__ import annotations

import pytest

from vitrine import sample_files
from xai_core.errors import DataError


@pytest.fixture
def script(monkeypatch, tmp_path):
    """Return a function that puts a script in the place of samples/build.py."""
    monkeypatch.setattr(sample_files, "samples_folder", lambda: tmp_path)
    return (tmp_path / "build.py").write_text


def test_the_script_s_own_sentence_is_passed_on_and_nothing_before_it(script):
    script("import sys\nsys.exit('error: no route to /srv/index\\nThe weights could not be downloaded.')")
    with pytest.raises(DataError) as caught:
        sample_files.make_all()
    expected = "The weights could not be downloaded. Your own models and pictures work without the samples."
    assert str(caught.value) == expected


def test_a_script_that_says_nothing_is_reported_by_its_exit_status(script):
    script("import sys\nsys.exit(7)")
    with pytest.raises(DataError, match=r"The samples could not be built \(exit 7\)\. Your own"):
        sample_files.make_all()
