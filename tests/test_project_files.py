"""What stands around the code agrees with it."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from xai_core import __version__

ROOT = Path(__file__).resolve().parents[1]


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def named_in(name: str) -> list[str]:
    """Return the packages that a requirements file names."""
    lines = (line.partition(";")[0].strip() for line in text_of(name).splitlines())
    return [re.split(r"[<>=!~\[ ]", line)[0] for line in lines if line and not line.startswith(("#", "-"))]


def test_the_version_is_the_same_wherever_it_is_named():
    assert f"version: {__version__}\n" in text_of("CITATION.cff")
    assert f"\n## {__version__}\n" in text_of("CHANGELOG.md")
    assert f"vitrine-{__version__}-py3" in text_of("docs/library.md")


@pytest.mark.parametrize("name", ["requirements.in", "requirements-peers.in"])
def test_every_dependency_has_a_lower_bound_that_the_lock_meets(name):
    for line in text_of(name).splitlines():
        if line and not line.startswith("#"):
            assert re.search(r">=|==", line), line
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text_of("requirements.txt"), re.MULTILINE))
    assert set(named_in(name)) <= set(locked)


def test_the_peers_are_an_extra_and_nothing_else():
    extras = tomllib.loads(text_of("pyproject.toml"))["tool"]["setuptools"]["dynamic"]["optional-dependencies"]
    assert extras == {"peers": {"file": ["requirements-peers.in"]}}
    assert not set(named_in("requirements-peers.in")) & set(named_in("requirements.in"))


def test_hooks_run_the_tools_of_the_lock():
    entries = re.findall(r"entry: (\S+)", text_of(".pre-commit-config.yaml"))
    assert entries == [".venv/bin/ruff", ".venv/bin/ruff", ".venv/bin/lint-imports"]
    assert f"\nruff=={version('ruff')}\n" in text_of("requirements-dev.txt")


def test_the_notice_names_every_sample_picture():
    notice = text_of("NOTICE")
    for picture in json.loads(text_of("samples/samples.json"))["pictures"]:
        assert picture["file"] in notice
        assert picture["licence"].partition(",")[0].lower() in notice.lower()


def test_the_licence_is_the_apache_licence():
    assert "Apache License" in text_of("LICENSE")
    assert "Version 2.0, January 2004" in text_of("LICENSE")
    assert tomllib.loads(text_of("pyproject.toml"))["project"]["license"] == "Apache-2.0"


DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "docs/library.md")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_the_documents_lead_somewhere(name):
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text_of(name))
    inside = [link for link in links if "://" not in link]
    assert inside
    assert not [link for link in inside if not (ROOT / name).parent.joinpath(link).exists()]
