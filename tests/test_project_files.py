"""What stands around the code agrees with it."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from scripts import list_licences
from xai_core import __version__

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt")


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def requirements_in(name: str) -> list[Requirement]:
    """Return the requirements that a file lists itself, without those of files that it includes."""
    return [Requirement(line) for line in text_of(name).splitlines() if line and not line.startswith(("#", "-"))]


def named_in(name: str) -> set[str]:
    return {requirement.name for requirement in requirements_in(name)}


def test_the_version_is_the_same_wherever_it_is_named():
    assert f"version: {__version__}\n" in text_of("CITATION.cff")
    assert f"\n## {__version__}\n" in text_of("CHANGELOG.md")
    assert f"vitrine-{__version__}-py3" in text_of("docs/library.md")


def locked_versions() -> dict[str, list[Version]]:
    """Return the versions of each package in requirements.txt; it has several if they differ by Python version."""
    versions: dict[str, list[Version]] = {}
    for name, number in re.findall(r"^([\w.-]+)==([\w.]+)", text_of("requirements.txt"), re.MULTILINE):
        versions.setdefault(name, []).append(Version(number))
    return versions


@pytest.mark.parametrize("name", ["requirements.in", "requirements-peers.in"])
def test_lower_bounds_are_the_oldest_locked_versions_and_the_next_major_version_is_kept_out(name):
    for requirement in requirements_in(name):
        locked = locked_versions()[requirement.name]
        assert all(map(requirement.specifier.contains, locked)), requirement
        (bound,) = (s.version.removesuffix(".*") for s in requirement.specifier if s.operator in (">=", "=="))
        assert Version(bound).release == min(locked).release[: len(Version(bound).release)], requirement
        assert not requirement.specifier.contains(f"{max(locked).major + 1}.0"), requirement


def test_the_locks_of_server_and_tools_agree():
    server, tools = (set(re.findall(r"^[\w.-]+==.*$", text_of(name), re.MULTILINE)) for name in LOCKS)
    assert server <= tools


def test_the_lock_of_the_image_names_the_same_versions_each_with_its_digests():
    entries = re.split(r"\n(?=\S)", text_of("requirements-hashed.txt").strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    named = [entry.partition(" \\\n")[0] for entry in entries]
    assert named == text_of("requirements.txt").splitlines()


def test_what_installs_the_image_has_its_digests_and_the_version_that_developers_have():
    version, *digests = text_of("requirements-uv.txt").strip().split(" \\\n")
    assert version in text_of("requirements-dev.txt").splitlines()
    assert digests
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", digest) for digest in digests)
    assert "--require-hashes -r requirements-uv.txt" in text_of("Dockerfile")


def test_both_stages_of_the_image_start_from_the_same_base_named_by_its_digest():
    assert re.findall(r"^FROM (\S+)", text_of("Dockerfile"), re.MULTILINE) == ["$BASE", "$BASE"]
    assert re.search(r"^ARG BASE=python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}$", text_of("Dockerfile"), re.MULTILINE)


def test_packages_are_installed_into_the_image_only_if_their_digests_agree():
    installations = re.findall(r"uv pip install [^&;]*-r \S+", text_of("Dockerfile"))
    assert len(installations) == 2
    assert all("--require-hashes" in command and "--no-deps" in command for command in installations)


def test_every_locked_package_that_is_installed_has_its_licence_in_the_docs():
    assert list_licences.missing() == []


def test_the_peers_are_an_extra_and_nothing_else():
    extras = tomllib.loads(text_of("pyproject.toml"))["tool"]["setuptools"]["dynamic"]["optional-dependencies"]
    assert extras == {"peers": {"file": ["requirements-peers.in"]}}
    assert not named_in("requirements-peers.in") & named_in("requirements.in")


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


def test_the_layout_in_the_design_names_every_module_of_the_library():
    layout = text_of("docs/design.md").partition("\nvitrine/ ")[2].partition("\n  ui/")[0]
    modules = {path.name for path in (ROOT / "vitrine").glob("*.py") if not path.name.startswith("_")}
    assert set(re.findall(r"\w+\.py", layout)) == modules


DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "docs/library.md", "docs/design.md")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_the_documents_lead_somewhere(name):
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text_of(name))
    inside = [link for link in links if "://" not in link]
    assert inside
    assert not [link for link in inside if not (ROOT / name).parent.joinpath(link).exists()]


def test_the_app_is_closed_to_the_network_except_in_a_container():
    assert tomllib.loads(text_of(".streamlit/config.toml"))["server"]["address"] == "localhost"
    assert '"--address", "0.0.0.0"' in text_of("Dockerfile")
