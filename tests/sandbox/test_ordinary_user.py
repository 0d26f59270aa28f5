"""All of this holds for an ordinary user as for root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.sandbox.confined import CONFINED, HERE, names

NOBODY = 65534
FILES = [str(HERE / name) for name in ("test_attacks.py", "test_tries_on_others.py", "test_floods.py")]

pytestmark = CONFINED

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="Only root can become another user.")


@AS_ROOT
def test_tries_are_refused_to_an_ordinary_user_too(tmp_path):
    result = as_an_ordinary_user(tmp_path, "-k", "a_try_is_refused or a_try_on_others or no_marker or good_model")
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    tries = names("TRIES") + names("TRIES_ON_OTHERS", "tries_on_others")
    assert f"{len(tries) + 2} passed" in result.stdout


@AS_ROOT
@pytest.mark.long
def test_all_of_this_holds_for_an_ordinary_user(tmp_path):
    result = as_an_ordinary_user(tmp_path)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert " passed" in result.stdout
    assert "skipped" not in result.stdout


def as_an_ordinary_user(folder, *chosen):
    """Run the tests of attacks, or those `chosen`, as nobody."""
    if not (setpriv := shutil.which("setpriv")):
        pytest.skip("setpriv (util-linux) is not installed.")
    os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o700)
    # The interpreter may lie in a folder of root's; reading is all that this capability gives.
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all,+dac_read_search"]
    caps = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    tests = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={folder}/run", *FILES]
    return subprocess.run(
        [setpriv, *user, *caps, *tests, *chosen],
        cwd=HERE.parents[1],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
    )
