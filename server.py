"""Vitrine's server: `streamlit run server.py`. It checks who may connect, and runs app.py for every visitor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from streamlit.starlette import App

from vitrine.ui.server import doors, log, streamlit_settings, warm_up


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[dict[str, Any]]:
    """Prepare the process before the first visitor arrives."""
    log.begin()
    streamlit_settings.apply()
    warm_up.begin()
    yield {}


async def model_page(request: Request) -> RedirectResponse:
    """Send /model to the start, where the Model page lies; Streamlit knows the first page by no other address."""
    return RedirectResponse(f"./?{request.url.query}" if request.url.query else "./")


app = App(
    Path(__file__).with_name("app.py"),
    lifespan=lifespan,
    routes=[Route("/model", model_page)],
    middleware=[Middleware(doors.Doors)],
)
