"""A browser tab without a browser: it speaks Streamlit's protocol over a websocket, as the page's own script does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 120.0  # seconds for one answer; a client that waits longer counts as lost
LARGEST_MESSAGE = 1 << 28
LAST_RUNS = 2  # large messages are kept for this many runs, as in Streamlit's page


@dataclass(frozen=True)
class Widget:
    """A widget that the app has drawn: its element, and the fragment that alone runs when it changes."""

    proto: Any
    fragment: str


@dataclass
class Tab:
    """One tab: what the app has drawn in it, and what its user has chosen.

    states: values of the widgets that were changed. previews: how often the viewer got a different map. errors: boxes
    with exceptions that the app has drawn.
    """

    address: str
    socket: ClientConnection | None = None
    widgets: dict[str, Widget] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    page: str = ""
    states: dict[str, WidgetState] = field(default_factory=dict)
    previews: int = 0
    errors: int = 0
    bytes_received: int = 0
    _drawn: dict[str, Widget] = field(default_factory=dict)
    _maps: dict[str, int] = field(default_factory=dict)
    _kept: dict[str, tuple[int, ForwardMsg]] = field(default_factory=dict)
    _fetched: set[str] = field(default_factory=set)
    _looks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _runs: int = 0
    _fragment_runs: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def open(self) -> float:
        """Connect and load the first page; return the seconds that its script took."""
        url = f"ws://{urlsplit(self.address).netloc}/_stcore/stream"
        self.socket = await connect(
            url, subprotocols=["streamlit"], origin=self.address, max_size=LARGEST_MESSAGE, compression=None
        )
        self._background(self._listen())
        return await self.rerun()

    async def close(self) -> None:
        """Close the tab."""
        self._stop_looking()
        if self.socket is not None:
            await self.socket.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def rerun(self, page: str | None = None, fragment: str = "", **trigger: WidgetState) -> float:
        """Request a run of the page, or of a fragment; return the seconds until it has finished."""
        before, started = self._ended(fragment), time.monotonic()
        if page is not None:
            self._stop_looking()
            self.page, self.states = self.pages[page], {}
        await self._send([*self.states.values(), *trigger.values()], fragment)
        await self.until(lambda: self._ended(fragment) > before)
        return time.monotonic() - started

    async def change(self, key: str, **value: Any) -> float:
        """Change a widget; return the seconds until the run that follows has finished."""
        widget = self.widgets[key]
        state = WidgetState(id=widget.proto.id, **value)
        if "trigger_value" in value:
            return await self.rerun(fragment=widget.fragment, pressed=state)
        self.states[key] = state
        return await self.rerun(fragment=widget.fragment)

    async def until(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until a condition holds; TimeoutError if that takes too long."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(condition)

    def where(self) -> str:
        """Return the name of the page that is shown."""
        return next((name or "model" for name, page in self.pages.items() if page == self.page), "no page")

    def _ended(self, fragment: str) -> int:
        """Return how many runs have ended; a fragment's run may become one of the whole page."""
        return self._runs + (self._fragment_runs if fragment else 0)

    async def _send(self, states: list[WidgetState], fragment: str = "", by_itself: bool = False) -> None:
        assert self.socket is not None
        state = ClientState(page_script_hash=self.page, fragment_id=fragment, is_auto_rerun=by_itself)
        state.widget_states.widgets.extend(states)
        state.cached_message_hashes.extend(self._kept)
        state.context_info.timezone = "UTC"
        await self.socket.send(BackMsg(rerun_script=state).SerializeToString())

    async def _listen(self) -> None:
        assert self.socket is not None
        async for data in self.socket:
            self.bytes_received += len(data)
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            async with self._news:
                self._hear(message)
                self._news.notify_all()

    def _hear(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            message, kind = self._kept[message.ref_hash][1], "delta"
        if kind == "delta":
            self._draw(message)
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self.page = message.navigation.page_script_hash
        elif kind == "new_session" and not message.metadata.run.fragment_ids:
            self._drawn = {}
            self._stop_looking()
        elif kind == "auto_rerun":
            self._look(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            self._stop_looking(*message.stop_auto_rerun.fragment_ids)
        elif kind == "script_finished":
            self._end(message)

    def _end(self, message: ForwardMsg) -> None:
        if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            self.widgets = dict(self._drawn)
            self._runs += 1
            self._kept = {name: kept for name, kept in self._kept.items() if self._runs - kept[0] < LAST_RUNS}
        if message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
            self._fragment_runs += 1

    def _draw(self, message: ForwardMsg) -> None:
        if message.metadata.cacheable and message.hash:
            self._kept[message.hash] = (self._runs, message)
        if message.delta.WhichOneof("type") != "new_element":
            return
        element: Element = message.delta.new_element
        kind = element.WhichOneof("type")
        proto = getattr(element, kind) if kind else None
        self.errors += kind == "exception"
        if kind == "imgs":
            for picture in proto.imgs:
                self._fetch(picture.url)
        if kind == "bidi_component":
            self._see(proto)
        if name := getattr(proto, "id", ""):
            self._drawn[_key(name)] = self.widgets[_key(name)] = Widget(proto, message.delta.fragment_id)

    def _see(self, component: Any) -> None:
        """Count a map that differs from the one before."""
        data = component.WhichOneof("data")
        shown = hash(getattr(component, data) if data == "bytes" else component.SerializeToString())
        if "viewer." in component.id and self._maps.get(component.id) != shown:
            self._maps[component.id] = shown
            self.previews += 1

    def _fetch(self, path: str) -> None:
        if path.startswith("/") and path not in self._fetched:
            self._fetched.add(path)
            self._background(self._get(path))

    async def _get(self, path: str) -> None:
        host, port = urlsplit(self.address).hostname, urlsplit(self.address).port
        with suppress(OSError):  # a page that changed meanwhile has dropped the picture
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            self.bytes_received += len(await reader.read())
            writer.close()

    def _look(self, fragment: str, seconds: float) -> None:
        """Run a fragment repeatedly, as Streamlit's page does, until the whole page runs."""

        async def again() -> None:
            while True:
                await asyncio.sleep(seconds)
                await self._send([*self.states.values()], fragment, by_itself=True)

        self._stop_looking(fragment)
        self._looks[fragment] = self._background(again())

    def _stop_looking(self, *fragments: str) -> None:
        for fragment in fragments or [*self._looks]:
            if look := self._looks.pop(fragment, None):
                look.cancel()

    def _background(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _key(widget_id: str) -> str:
    """Return the key that the app gave a widget: its id is `$$ID-<digest>-<key>`."""
    return widget_id.split("-", 2)[-1]
