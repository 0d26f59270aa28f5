"""Which libraries a map can be compared with."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

import xai_core.methods  # noqa: F401 - enters them in METHODS
from xai_core.method import METHODS
from xai_core.trust.peers import PEERS, peers_for


def libraries(method, framework):
    return [comparison.library for comparison in peers_for(method, framework)]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.library)
def test_peers_list_only_our_own_methods(peer):
    assert set(peer.methods) <= set(METHODS)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.library)
def test_differences_are_sentences(peer):
    assert all(text == "" or (text[0].isupper() and text.endswith(".")) for text in peer.methods.values())


def test_each_framework_has_its_own_libraries():
    assert libraries("saliency", "pytorch") == libraries("saliency", "onnx") == ["captum"]
    assert libraries("saliency", "tensorflow") == ["xplique"]
    assert libraries("grad_cam", "pytorch") == ["pytorch-grad-cam"]
    assert libraries("lrp", "pytorch") == ["zennit"]


def test_a_method_that_no_peer_has_has_no_comparison():
    assert peers_for("attention_rollout", "pytorch") == ()
    assert peers_for("rise", "pytorch") == ()


def test_a_known_difference_comes_with_the_installed_version():
    (comparison,) = peers_for("eigen_cam", "pytorch")
    assert (comparison.library, comparison.version) == ("pytorch-grad-cam", version("grad-cam"))
    assert "sign" in comparison.difference


def test_a_library_that_is_not_installed_has_no_version(monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr("xai_core.trust.peers.version", missing)
    assert [comparison.version for comparison in peers_for("lrp", "pytorch")] == [""]
