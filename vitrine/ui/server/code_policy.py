"""Whether visitors may bring code with a model: those of this machine alone, unless whoever runs Vitrine decides."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config

from vitrine.runner import code_setting
from xai_core.jobs.launch import ALLOW_CODE

PASSED_ON = ("X-Forwarded-For", "X-Real-Ip", "Forwarded")
HOW = f"Whoever runs it can allow it with {ALLOW_CODE}=1; the sandbox still applies."


@dataclass(frozen=True)
class CodePolicy:
    """Whether code may run, and why, as a sentence."""

    allowed: bool
    reason: str


def code_policy() -> CodePolicy:
    """Return what holds for the whole app, from its environment and from where it listens."""
    setting = code_setting()
    if setting is not None:
        words = "is allowed" if setting else "is off"
        return CodePolicy(setting, f"Code {words} here: {ALLOW_CODE}={int(setting)} is set.")
    if _listens_to_others():
        return CodePolicy(False, f"Code is off here, because this Vitrine serves other machines too. {HOW}")
    return CodePolicy(True, "Code is allowed, because this Vitrine serves this machine only.")


def policy_for_visit() -> CodePolicy:
    """Return what holds for this visitor, who may have come through a proxy."""
    policy, headers = code_policy(), st.context.headers
    if code_setting() is not None or not policy.allowed:
        return policy
    if any(name in headers for name in PASSED_ON) or not _is_local(headers.get("Host", "localhost")):
        return CodePolicy(False, f"Code is off here, because you reach this Vitrine from elsewhere. {HOW}")
    return policy


def _listens_to_others() -> bool:
    """Whether the app is bound to more than this machine, or set up to answer under other names."""
    names = [config.get_option("server.address") or "", config.get_option("browser.serverAddress") or "localhost"]
    names += config.get_option("server.allowedHosts") or []
    names += [urlsplit(origin).netloc for origin in config.get_option("server.corsAllowedOrigins") or []]
    return not (config.get_option("server.enableCORS") and all(map(_is_local, names)))


def _is_local(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by any of its names for itself."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
