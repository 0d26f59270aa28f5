"""A hostile model learns nothing of its neighbours that matters, and changes nothing of theirs."""

from __future__ import annotations

import os

import pytest

from tests.sandbox.confined import CONFINED, REFUSED, names, told_by
from xai_core.services.hidden_folder import made_hidden_folder

pytestmark = CONFINED


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    """Another person's private folder, with one upload and a hidden folder."""
    folder = tmp_path_factory.mktemp("victim")
    folder.chmod(0o700)
    (folder / "upload").write_bytes(b"a secret")
    made_hidden_folder(folder)
    return folder


@pytest.fixture(scope="module")
def processors():
    """The processors of the app before any attack."""
    return os.sched_getaffinity(0)


@pytest.fixture(scope="module")
def told(processors, runner, source, victim):
    return told_by(runner, source("every try on others", victim))


IN_OTHER_WORDS = {
    "an open lock on a library": ("PermissionError", "OSError"),
    "attributes of another's file": ("Operation not supported",),  # so that shutil copies files without them
}


@pytest.mark.parametrize("name", names("TRIES_ON_OTHERS", "tries_on_others"))
def test_a_try_on_others_is_refused(told, name):
    assert any(words in told[name] for words in IN_OTHER_WORDS.get(name, REFUSED)), told[name]


def test_nothing_of_others_has_changed(processors, told, victim):
    assert told
    assert victim.stat().st_mode & 0o777 == 0o700
    assert (victim / "upload").read_bytes() == b"a secret"
    assert os.listxattr(victim / "upload") == []
    assert os.sched_getaffinity(0) == processors
    assert not os.path.exists("/dev/shm/vitrine-was-here")


@pytest.mark.parametrize("name", names("LEFT_OPEN", "tries_on_others"))
def test_what_is_left_open_is_known(runner, source, victim, name):
    assert told_by(runner, source("what is left open", victim))[name].startswith("it worked")
