"""Only so many processes read files at a time; those that wait make room for those that are asked."""

from __future__ import annotations

import threading

import pytest

from tests.xai_core.services.parsing.test_parser import opened
from xai_core.errors import ImageError
from xai_core.services.parsing.parser import SandboxedParser
from xai_core.services.parsing.room import Room


class Reader:
    """Has a process that is busy or not."""

    def __init__(self, room, used, busy=False):
        self.room, self.used, self.busy = room, used, busy

    def close(self):
        self.room.leave(self)

    def close_if_idle(self):
        if not self.busy:
            self.close()
        return not self.busy


def test_the_process_that_was_used_least_recently_makes_room():
    room = Room(2)
    old, older, new = (Reader(room, used) for used in (2.0, 1.0, 3.0))
    for reader in (old, older, new):
        room.enter(reader)
    assert room.readers == [old, new]


def test_a_process_at_work_keeps_its_place():
    room = Room(2)
    older, old, new = Reader(room, 1.0, busy=True), Reader(room, 2.0), Reader(room, 3.0)
    for reader in (older, old, new):
        room.enter(reader)
    assert room.readers == [older, new]


def test_where_all_are_at_work_the_next_waits_until_one_is_done():
    room = Room(1)
    first, second = Reader(room, 1.0, busy=True), Reader(room, 2.0)
    room.enter(first)
    waiting = threading.Thread(target=room.enter, args=(second,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    first.busy = False
    waiting.join(60)
    assert room.readers == [second]


def test_who_has_a_place_takes_no_second_one():
    room = Room(1)
    reader = Reader(room, 1.0, busy=True)
    room.enter(reader)
    room.enter(reader)
    assert room.readers == [reader]


def test_parsers_of_many_tabs_share_the_places():
    room = Room(1)
    first, second = SandboxedParser(room=room), SandboxedParser(room=room)
    for parser in (first, second, first):
        assert opened(parser).pixels.shape == (12, 16, 3)
    assert (first.running, second.running) == (True, False)
    first.close()
    assert room.readers == []


def test_a_process_that_cannot_start_takes_no_place():
    room = Room(1)
    with pytest.raises(ImageError, match="stopped"):
        opened(SandboxedParser(room=room, answering="no.such.module"))
    assert room.readers == []
