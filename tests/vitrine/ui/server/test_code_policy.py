"""Visitors may bring code where the app answers its own machine only, unless whoever runs it decides."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from vitrine.ui.server import code_policy
from xai_core.errors import ParamError

LOCAL = {
    "server.address": "localhost",
    "browser.serverAddress": "localhost",
    "server.allowedHosts": [],
    "server.corsAllowedOrigins": [],
    "server.enableCORS": True,
}


@pytest.fixture
def listening(monkeypatch):
    """Return a function that sets where the app listens, how it is reached, and what the environment says."""
    monkeypatch.delenv("VITRINE_ALLOW_CODE", raising=False)

    def as_set(settings, headers=(), allow=None):
        monkeypatch.setattr(code_policy.config, "get_option", (LOCAL | dict(settings)).__getitem__)
        visit = SimpleNamespace(context=SimpleNamespace(headers=dict(headers)))
        monkeypatch.setattr(code_policy, "st", visit)
        if allow is not None:
            monkeypatch.setenv("VITRINE_ALLOW_CODE", allow)
        return code_policy.policy_for_visit()

    return as_set


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.8.9.1", "app.localhost", "::1"])
def test_code_is_allowed_on_this_machine_only(listening, address):
    policy = listening({"server.address": f"[{address}]" if ":" in address else address}, {"Host": "localhost:8501"})
    assert policy.allowed
    assert policy.reason == "Code is allowed, because this Vitrine serves this machine only."


SERVERS = [
    {"server.address": None},
    {"server.address": ""},
    {"server.address": "0.0.0.0"},
    {"server.address": "::"},
    {"server.address": "192.168.1.7"},
    {"server.allowedHosts": ["vitrine.example.org"]},
    {"browser.serverAddress": "vitrine.example.org"},
    {"server.corsAllowedOrigins": ["https://example.org"]},
    {"server.enableCORS": False},
]


@pytest.mark.parametrize("settings", SERVERS)
def test_code_is_off_where_others_are_served(listening, settings):
    policy = listening(settings)
    assert not policy.allowed
    assert "serves other machines too. Whoever runs it can allow it with VITRINE_ALLOW_CODE=1" in policy.reason


@pytest.mark.parametrize(
    "headers", [{"Host": "203.0.113.5"}, {"Host": "localhost", "X-Forwarded-For": "203.0.113.5"}, {"Host": "a.b:80"}]
)
def test_code_is_off_for_those_who_come_through_a_proxy(listening, headers):
    policy = listening({}, headers)
    assert not policy.allowed
    assert "you reach this Vitrine from elsewhere" in policy.reason


def test_whoever_runs_it_decides(listening):
    assert (
        listening({"server.address": "0.0.0.0"}, allow="1").reason
        == "Code is allowed here: VITRINE_ALLOW_CODE=1 is set."
    )
    assert listening({}, allow="0").reason == "Code is off here: VITRINE_ALLOW_CODE=0 is set."
    with pytest.raises(ParamError, match="must be 0 or 1; got 'yes'"):
        listening({}, allow="yes")
