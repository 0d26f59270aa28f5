"""The app answers only under its own names, only its own pages may write, and every answer has the headers."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from vitrine.ui.server import doors

BOUND_TO_LOCALHOST = {"server.address": "localhost", "server.enableCORS": True}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    chosen: dict[str, Any] = {"server.allowedHosts": [], "server.corsAllowedOrigins": [], "server.baseUrlPath": ""}
    chosen |= BOUND_TO_LOCALHOST
    monkeypatch.setattr(doors.config, "get_option", chosen.__getitem__)
    return chosen


def asked(host: str, origin: str = "", path: str = "/", kind: str = "http", method: str = "GET") -> dict[str, Any]:
    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else [])]
    return {"type": kind, "method": method, "path": path, "headers": headers}


def answer(scope: dict[str, Any]) -> dict[str, Any]:
    """Return what the guarded app sends first."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, str]:
        return {"type": "http.request"}

    asyncio.run(doors.Doors(PlainTextResponse("the app"))(scope, receive, send))
    return sent[0]


@pytest.mark.parametrize("host", ["localhost:8501", "app.localhost", "127.0.0.1:8501", "192.168.1.7", "[::1]:8501"])
def test_an_address_and_localhost_are_answered(settings: dict[str, Any], host: str) -> None:
    assert doors.refusal(asked(host)) == ""


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8501", "", "[::1"])
def test_a_foreign_host_is_refused(settings: dict[str, Any], host: str, kind: str) -> None:
    assert doors.refusal(asked(host, f"http://{host}", kind=kind)) == doors.UNKNOWN_HOST


@pytest.mark.parametrize(("address", "answered"), [("0.0.0.0", True), (None, True), ("localhost", False)])
def test_the_machines_name_is_answered_if_it_can_be_reached_by_it(
    settings: dict[str, Any], address: str | None, answered: bool
) -> None:
    settings["server.address"] = address
    assert doors.host_is_known(f"{socket.gethostname()}:8501") is answered


def test_the_setting_replaces_what_is_answered_by_default(settings: dict[str, Any]) -> None:
    settings["server.allowedHosts"] = ["*.example.org"]
    assert [doors.host_is_known(host) for host in ("vitrine.example.org", "127.0.0.1")] == [True, False]


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "null", "http://[::1"])
def test_a_page_of_a_different_site_may_not_connect(settings: dict[str, Any], origin: str) -> None:
    assert doors.refusal(asked("localhost:8501", origin, kind="websocket")) == doors.FOREIGN_ORIGIN
    assert doors.refusal(asked("localhost:8501", origin, method="PUT")) == doors.FOREIGN_ORIGIN


def test_the_apps_own_page_and_sites_that_are_allowed_may_connect(settings: dict[str, Any]) -> None:
    settings["server.corsAllowedOrigins"] = ["https://lab.example.org"]
    own = asked("localhost:8501", "http://localhost:8501", kind="websocket")
    allowed = asked("localhost:8501", "https://lab.example.org", kind="websocket")
    assert [doors.refusal(own), doors.refusal(allowed)] == ["", ""]


def test_every_answer_of_the_app_carries_the_headers(settings: dict[str, Any]) -> None:
    headers = dict(answer(asked("localhost"))["headers"])
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    assert b"frame-ancestors 'self'" in headers[b"content-security-policy"]


def test_what_is_refused_never_reaches_the_app(settings: dict[str, Any]) -> None:
    assert answer(asked("evil.example"))["status"] == 403
    assert answer(asked("evil.example", kind="websocket"))["type"] == "websocket.close"


def test_a_monitor_may_ask_for_health_under_any_name_but_for_nothing_else(settings: dict[str, Any]) -> None:
    settings["server.allowedHosts"] = ["vitrine.example.org"]
    assert doors.refusal(asked("127.0.0.1:8501", path="/_stcore/health")) == ""
    assert doors.refusal(asked("127.0.0.1:8501", path="/_stcore/health", method="POST")) == doors.UNKNOWN_HOST
    assert doors.refusal(asked("127.0.0.1:8501", path="/_stcore/health", kind="websocket")) == doors.UNKNOWN_HOST
    assert doors.refusal(asked("127.0.0.1:8501", path="/_stcore/host-config")) == doors.UNKNOWN_HOST
    assert doors.refusal(asked("127.0.0.1:8501", path="/bias/_stcore/health")) == doors.UNKNOWN_HOST


def test_health_lies_below_the_path_that_the_app_is_served_under(settings: dict[str, Any]) -> None:
    settings["server.allowedHosts"] = ["vitrine.example.org"]
    settings["server.baseUrlPath"] = "lab/"
    assert doors.refusal(asked("127.0.0.1:8501", path="/lab/_stcore/health")) == ""


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/under/a/path/_stcore/metrics/"])
def test_the_metrics_are_closed(settings: dict[str, Any], path: str) -> None:
    assert answer(asked("localhost", path=path))["status"] == 404
