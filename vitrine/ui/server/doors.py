"""Who may connect, and the headers of every answer.

A foreign site can point its own name at this machine (DNS rebinding), so that its page may read the app. Its requests
still carry that name, so the app answers only under the names that it is meant to have.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit import config
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

EVERYWHERE = ("", "0.0.0.0", "::")
CLOSED = ("/_stcore/metrics",)
HEALTH = "/_stcore/health"  # says "ok" to monitors, which ask under any name and read nothing else
READS = ("GET", "HEAD", "OPTIONS")
UNKNOWN_HOST = (
    "Vitrine does not answer under this host name. Whoever runs it can allow the name: "
    "--server.allowedHosts NAME, or STREAMLIT_SERVER_ALLOWED_HOSTS."
)
FOREIGN_ORIGIN = (
    "Vitrine does not answer pages of other sites. Whoever runs it can allow a site: --server.corsAllowedOrigins URL."
)
# Streamlit's page has inline scripts and styles, and loads the code of components from blobs.
HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Doors:
    """An ASGI middleware that refuses requests under foreign host names, and those of foreign pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        if reason := refusal(scope):
            status = 404 if reason == CLOSED[0] else 403
            refused: ASGIApp = PlainTextResponse("" if status == 404 else reason, status, HEADERS)
            if scope["type"] == "websocket":
                refused = WebSocketClose(1008, reason)
            return await refused(scope, receive, send)
        return await self._app(scope, receive, _with_headers(send))


def refusal(scope: Scope) -> str:
    """Return why a request is refused; "" if it is not."""
    headers = Headers(scope=scope)
    host, origin = headers.get("host", ""), headers.get("origin")
    if not host_is_known(host) and not _asks_for_health(scope):
        return UNKNOWN_HOST
    changes = scope["type"] == "websocket" or scope["method"] not in READS
    if changes and origin is not None and not origin_is_known(origin, host):
        return FOREIGN_ORIGIN
    return CLOSED[0] if scope["path"].rstrip("/").endswith(CLOSED) else ""


def host_is_known(host: str) -> bool:
    """Return whether the app answers under a host: one of `server.allowedHosts`, or what it is bound to.

    An address, or the name localhost, cannot be pointed at a different machine, so these need no setting.
    """
    if config.get_option("server.allowedHosts"):
        return is_host_allowed(host)
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or _is_address(name) or name in _bound_to()


def origin_is_known(origin: str, host: str) -> bool:
    """Return whether a page of this origin may write: a page of the app itself, or one that the settings allow."""
    if not config.get_option("server.enableCORS") or origin in config.get_option("server.corsAllowedOrigins"):
        return True
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def _asks_for_health(scope: Scope) -> bool:
    base = str(config.get_option("server.baseUrlPath")).strip("/")
    health = f"/{base}{HEALTH}" if base else HEALTH
    return scope["type"] == "http" and scope["method"] in READS and scope["path"] == health


def _bound_to() -> Collection[str]:
    address = (config.get_option("server.address") or "").lower()
    if address not in EVERYWHERE:
        return (address,)
    name = socket.gethostname().lower()
    return (name, f"{name}.local")


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name.partition("%")[0]))
    except ValueError:
        return False


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
