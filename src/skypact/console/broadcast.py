"""What is new, to all who watch: each event is encoded once, kept for a while, and sent by everybody's own pace.

An event's id is the sequence of the journal's entry it comes from. Whoever comes back with the last id that was seen
gets what followed: from what is kept here, else from the journal, else a reset and the whole picture.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa

from skypact.console.rows import FIELDS, MILLION, Key, Row, columns, ended, rows
from skypact.errors import JournalError

KEPT_OCTETS = 32 << 20
"""Most octets of events kept for those who lag."""
HEARTBEAT_S = 5.0
"""A line without an event for so long gets a comment, so that both ends know that it lives."""
HEARTBEAT = b": still here\n\n"
RESET = b"event: reset\ndata: {}\n\n"
"""What was missed is too much, or gone: the whole picture follows."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its id, and the octets to send."""

    id: int
    octets: bytes


def encoded(kind: str, data: Any, number: int) -> Event:
    """Return an event of server-sent events (WHATWG HTML, section 9.2)."""
    text = msgspec.json.encode(data)
    return Event(number, b"event: %s\nid: %d\ndata: %s\n\n" % (kind.encode(), number, text))


def step_event(sequence: int, now_ns: int, changed: Sequence[Row]) -> Event:
    """Return what a step changed as an event; `sequence` is that of the step in the journal."""
    data = {"now_ms": now_ns // MILLION, "tracks": columns(changed) if changed else None}
    return encoded("step", data, sequence)


class Broadcast:
    """The picture as it is now, and its changes.

    `publish` is called from the node's thread, `follow` runs in the server's loop.

    Parameters
    ----------
    replay : callable, optional
        Takes a sequence and returns the events that follow it from the journal, or None if they are too many or gone.
    """

    def __init__(self, replay: Callable[[int], Iterable[Event] | None] | None = None) -> None:
        self._replay = replay
        self._picture: dict[Key, Row] = {}
        self._events: deque[Event] = deque()
        self._octets = 0
        self._begin = 0
        self._first = self._last = 0
        self._now_ms: int | None = None
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self.clients = 0

    def restore(self, sequence: int, now_ns: int | None, tracks: pa.Table) -> None:
        """Begin with a picture, such as the journal's last."""
        with self._lock:
            self._picture = {(row[0], row[1]): row for row in rows(tracks)}
            self._first = self._last = sequence
            self._now_ms = None if now_ns is None else now_ns // MILLION

    def publish(self, sequence: int, now_ns: int, tracks: pa.Table) -> None:
        """Take in what a step changed and tell everybody.

        Parameters
        ----------
        sequence : int
            Of the step in the journal; the last one's again while the journal cannot be written.
        now_ns : int
        tracks : Table of `tables.TRACKS`
        """
        changed = rows(tracks)
        event = step_event(sequence, now_ns, changed)
        gone = ended(tracks).tolist() if tracks.num_rows else []
        with self._lock:
            for row, is_gone in zip(changed, gone, strict=True):
                if is_gone:
                    self._picture.pop((row[0], row[1]), None)
                else:
                    self._picture[row[0], row[1]] = row
            self._now_ms = now_ns // MILLION
            self._last = sequence
            self._events.append(event)
            self._octets += len(event.octets)
            while self._octets > KEPT_OCTETS and len(self._events) > 1:
                old = self._events.popleft()
                self._octets -= len(old.octets)
                self._begin += 1
                self._first = old.id
            waiting = list(self._waiting)
        for loop, news in waiting:
            loop.call_soon_threadsafe(news.set)

    def _place(self, last: int) -> int | None:
        """Return the place of the first event behind an id, none if events behind it are not kept."""
        with self._lock:
            if not self._first <= last <= self._last:
                return None
            return self._begin + sum(event.id <= last for event in self._events)

    def _behind(self, place: int) -> list[Event] | None:
        """Return the kept events from a place on, none at all if some of them are not kept."""
        with self._lock:
            if place < self._begin:
                return None
            return list(islice(self._events, place - self._begin, None))

    def _all(self) -> tuple[Event, int]:
        """Return the whole picture, and the place of the first event behind it."""
        with self._lock:
            alive, number, now_ms = list(self._picture.values()), self._last, self._now_ms
            place = self._begin + len(self._events)
        return encoded("picture", {"now_ms": now_ms, "fields": FIELDS, "tracks": columns(alive)}, number), place

    async def _missed(self, last: int) -> AsyncIterator[Event]:
        """Yield what the journal has behind an id, read in another thread; nothing, or less, where it is damaged."""
        if self._replay is None:
            return
        try:
            found = await asyncio.to_thread(self._replay, last)
            events = iter(found if found is not None else ())
            while (event := await asyncio.to_thread(next, events, None)) is not None:
                yield event
        except JournalError:
            return

    async def follow(self, last: int | None) -> AsyncIterator[bytes]:
        """Yield what to send to one client, for as long as it listens.

        Parameters
        ----------
        last : int or None
            Id of the last event that the client has; the whole picture comes first if it has none.
        """
        news = asyncio.Event()
        mark = (asyncio.get_running_loop(), news)
        with self._lock:
            self._waiting.add(mark)
        self.clients += 1
        try:
            place = None if last is None else self._place(last)
            if last is not None and place is None:
                async for event in self._missed(last):
                    last = event.id
                    yield event.octets
                place = self._place(last)
                if place is None:
                    yield RESET
            while True:
                news.clear()
                found = None if place is None else self._behind(place)
                if place is None or found is None:
                    if place is not None:  # so slow that what follows is not kept any more
                        yield RESET
                    event, place = self._all()
                    yield event.octets
                elif found:
                    place += len(found)
                    yield b"".join(event.octets for event in found)
                else:
                    try:
                        await asyncio.wait_for(news.wait(), HEARTBEAT_S)
                    except TimeoutError:
                        yield HEARTBEAT
        finally:
            self.clients -= 1
            with self._lock:
                self._waiting.discard(mark)
