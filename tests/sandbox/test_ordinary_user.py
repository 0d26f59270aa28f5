"""All of this holds for an ordinary user as for root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.confined import CONFINED, HERE, names

ORDINARY = 1000  # the first user of most machines, and the one of the Docker image
BY_CODE = ("test_attacks_by_code.py", "test_code.py", "test_blows_by_code.py")
FILES = [str(HERE / n) for n in ("test_attacks.py", "test_tries_on_others.py", "test_floods.py", *BY_CODE)]

pytestmark = CONFINED

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="Only root can become another user.")


@AS_ROOT
def test_tries_are_refused_to_an_ordinary_user_too(tmp_path):
    result = as_an_ordinary_user(tmp_path, "-k", "a_try_is_refused or a_try_on_others or no_marker or good_model")
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    tries = names("TRIES") + names("TRIES_ON_OTHERS", "tries_on_others")
    assert f"{2 * (len(tries) + 2)} passed" in result.stdout  # from a file, and from its code


@AS_ROOT
@pytest.mark.long
def test_all_of_this_holds_for_an_ordinary_user(tmp_path):
    result = as_an_ordinary_user(tmp_path)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert " passed" in result.stdout
    assert "skipped" not in result.stdout


def as_an_ordinary_user(folder, *chosen):
    """Run the tests of attacks, or those `chosen`, as user 1000, whose home is this folder."""
    if not (setpriv := shutil.which("setpriv")):
        pytest.skip("setpriv (util-linux) is not installed.")
    os.chown(folder, ORDINARY, ORDINARY)
    folder.chmod(0o700)
    tests = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={folder}/run", *FILES]
    return subprocess.run(
        [setpriv, f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", *capabilities(), *tests, *chosen],
        cwd=HERE.parents[1],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
    )


def capabilities():
    """Leave none; where the interpreter lies in a folder of root's, only the one to read it."""
    places = [Path(sys.base_prefix), *Path(sys.base_prefix).parents]
    kept = "-all" if all(place.stat().st_mode & 0o001 for place in places) else "-all,+dac_read_search"
    return [f"--bounding-set={kept}", f"--inh-caps={kept}", f"--ambient-caps={kept}"]
