"""The base image gets the digest that the registry names; without one, the Dockerfile stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "ab" * 32


@pytest.fixture
def dockerfile(tmp_path):
    return Path(shutil.copy(ROOT / "Dockerfile", tmp_path))


def pinned(dockerfile, digest):
    """Run the script with a `docker` that names a digest for the tag it is asked about."""
    docker = dockerfile.parent / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$4" = python:3.11-slim-bookworm ] && echo "{digest}"\n')
    docker.chmod(0o755)
    command = ["sh", str(ROOT / "scripts/pin_base_image.sh"), str(dockerfile)]
    environment = os.environ | {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_digest_stands_behind_the_tag_and_is_replaced_by_a_newer_one(dockerfile):
    before = dockerfile.read_text("utf-8")
    for digest in (OLD, NEW):
        assert pinned(dockerfile, digest).stdout == f"python:3.11-slim-bookworm@{digest}\n"
    after = dockerfile.read_text("utf-8").splitlines()
    changed = [line for line, old in zip(after, before.splitlines(), strict=True) if line != old]
    assert changed == [f"ARG BASE=python:3.11-slim-bookworm@{NEW}"]


@pytest.mark.parametrize("answer", ["", "sha256:ab", "<none>"])
def test_an_answer_that_is_no_digest_changes_nothing(dockerfile, answer):
    before = dockerfile.read_text("utf-8")
    ended = pinned(dockerfile, answer)
    assert ended.returncode == 1
    assert "named no digest of python:3.11-slim-bookworm" in ended.stderr
    assert dockerfile.read_text("utf-8") == before
