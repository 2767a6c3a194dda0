"""Where a node's input comes from: network lines read by threads of their own, and recordings.

A source never raises for what others do: it counts, waits and tries again. What a line brings waits in an `Inbox`,
which is bounded: a flood costs the source that sends it its own oldest octets and no other source anything.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

from skypact.errors import InputError
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded, joined
from skypact.formats.intake import Intake, intake
from skypact.node.config import Source
from skypact.node.pace import Step, steps
from skypact.node.recordings import Recording
from skypact.units import SECOND_NS

PORTS = {30002: "avr", 30003: "sbs", 30005: "beast"}
"""Formats by the port that receivers usually offer them on."""
WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses between attempts to connect."""
QUIET_S = 60.0
"""A line without an octet for so long is taken for dead."""
LARGEST_DATAGRAM = 65_536
RECEIVE_BUFFER = 1 << 23
"""What is asked of the system for each UDP source, so that a burst waits there."""


class Inbox:
    """Messages that wait to be read, bounded in octets; the oldest give way.

    Attributes
    ----------
    received, dropped : int
        Octets taken in, and octets of them that gave way.
    last : float
        Monotonic time of the last message, minus infinity before the first.
    """

    def __init__(self, most_octets: int) -> None:
        self._most = most_octets
        self._messages: deque[tuple[bytes, int]] = deque()
        self._octets = 0
        self._lock = threading.Lock()
        self.received = self.dropped = 0
        self.last = float("-inf")

    def put(self, message: bytes, received_ns: int) -> None:
        """Add a message."""
        with self._lock:
            self._messages.append((message, received_ns))
            self._octets += len(message)
            self.received += len(message)
            self.last = time.monotonic()
            while self._octets > self._most:
                old, _ = self._messages.popleft()
                self._octets -= len(old)
                self.dropped += len(old)

    def drain(self) -> list[tuple[bytes, int]]:
        """Return all messages and forget them."""
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
            self._octets = 0
        return messages


class _Network(ABC):
    """What network sources share: a thread that fills an inbox."""

    ended = False
    next_ns = None

    def __init__(self, source: Source, wire: str) -> None:
        self.name = source.name
        self.source = source
        self.inbox = Inbox(source.queue_octets)
        self.intake: Intake = intake(
            wire,
            sensor=source.name,
            date=source.date,
            editions={int(c): e for c, e in source.editions.items()},
            reference=source.place,
            clock=source.clock,
            simulated=source.simulated,
        )
        self.state = "waiting"
        self.why = ""
        self.lost = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source-{source.name}", daemon=True)

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""
        return self.intake.problems

    def status(self) -> Mapping[str, float | str]:
        """Return how the line is: ``state``, ``octets``, ``dropped_octets``, ``lost_connections`` and ``why``."""
        quiet = time.monotonic() - self.inbox.last
        state = "quiet" if self.state == "receiving" and quiet > 10 else self.state
        return _status(state, self.inbox.received, self.inbox.dropped, self.lost, self.why)

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(3.0)

    @abstractmethod
    def _run(self) -> None:
        """Fill the inbox until told to stop."""


class UdpFeed(_Network):
    """Datagrams sent to an address of this machine, or to a multicast group that is joined.

    Raises
    ------
    InputError
        The port is in use, or the address is none of this machine's.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source, source.format or "asterix")
        try:
            self._socket = _listen(source)
        except OSError as err:
            what = f"source {source.name}: {source.address} cannot be listened to: {(err.strerror or str(err)).lower()}"
            raise InputError(what, hint="is another program there? choose another port or interface") from None
        self._thread.start()

    def poll(self, until_ns: int) -> tuple[Decoded, list[tuple[bytes, int]]]:
        """Return what arrived since the last call: decoded, and the octets as they came with their arrivals."""
        messages = self.inbox.drain()
        if not messages:
            return Decoded(), []
        return self.intake.take(Datagrams.of([m for m, _ in messages], [t for _, t in messages])), messages

    def close(self) -> None:
        """Stop listening."""
        super().close()
        self._socket.close()

    def _run(self) -> None:
        self._socket.settimeout(0.2)
        while not self._stop.is_set():
            try:
                message = self._socket.recv(LARGEST_DATAGRAM)
            except TimeoutError:
                continue
            except OSError as err:
                # A failed send elsewhere on the machine can surface here; the socket itself stays good.
                self.why = (err.strerror or str(err)).lower()
                self._stop.wait(0.1)
                continue
            self.state = "receiving"
            self.inbox.put(message, time.time_ns())


def _listen(source: Source) -> socket.socket:
    group = ip_address(socket.getaddrinfo(source.host, None, type=socket.SOCK_DGRAM)[0][4][0])
    family = socket.AF_INET6 if group.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM)
    try:
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if not group.is_multicast:
            listener.bind((source.host, source.port))
            return listener
        # Several programs on one machine may hear the same group.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(group), source.port))
        if group.version == 4:
            interface = socket.inet_aton(source.interface or "0.0.0.0")
            membership = socket.inet_aton(str(group)) + interface
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        else:
            index = socket.if_nametoindex(source.interface) if source.interface else 0
            membership = socket.inet_pton(socket.AF_INET6, str(group)) + struct.pack("@I", index)
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
    except OSError:
        listener.close()
        raise
    return listener


class TcpFeed(_Network):
    """A stream read from a server, connected anew when the line breaks."""

    def __init__(self, source: Source) -> None:
        super().__init__(source, source.format or PORTS.get(source.port, "beast"))
        self._thread.start()

    def poll(self, until_ns: int) -> tuple[Decoded, list[tuple[bytes, int]]]:
        """Return what arrived since the last call: decoded, and the octets as they came with their arrivals."""
        messages = self.inbox.drain()
        return joined([self.intake.feed(m, t) for m, t in messages]), messages

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                with socket.create_connection((self.source.host, self.source.port), timeout=5.0) as line:
                    self.state = "connected"
                    before = self.inbox.received
                    self.why = self._read(line)
                    failures = 0 if self.inbox.received > before else failures + 1
            except OSError as err:
                self.why = (err.strerror or str(err)).lower()
                failures += 1
            self.state = "not connected"
            self.lost += 1
            self._stop.wait(WAITS_S[min(max(failures - 1, 0), len(WAITS_S) - 1)])

    def _read(self, line: socket.socket) -> str:
        """Read until the line ends and return why it did."""
        line.settimeout(0.2)
        begun = time.monotonic()
        while not self._stop.is_set():
            try:
                chunk = line.recv(1 << 16)
            except TimeoutError:
                if time.monotonic() - max(begun, self.inbox.last) > QUIET_S:
                    return f"nothing came for {QUIET_S:.0f} s"
                continue
            except OSError as err:
                return (err.strerror or str(err)).lower()
            if not chunk:
                return "the sender closed the line"
            self.state = "receiving"
            self.inbox.put(chunk, time.time_ns())
        return "stopped"


class FileFeed:
    """A recording, played at its pace.

    Parameters
    ----------
    source : Source
    step_ns : int
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, source: Source, step_ns: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = source.name
        self.recording = Recording(
            Path(source.address),
            wire=source.format,
            date=source.date,
            editions={int(c): e for c, e in source.editions.items()},
            reference=source.place,
            clock=source.clock,
        )
        self._steps: Iterator[Step] = steps(self.recording, step_ns)
        self._next: Step | None = next(self._steps, None)
        self._speed = None if source.speed == "max" else float(source.speed)
        self._clock = clock
        self._begun = clock()
        self._first_ns = self._next.now_ns if self._next else 0

    @property
    def ended(self) -> bool:
        """Whether the recording was played to its end."""
        return self._next is None

    @property
    def next_ns(self) -> int | None:
        """When the recording's next step ends, in its own time; none behind the last."""
        return None if self._next is None else self._next.now_ns

    def wait_s(self, now_ns: int) -> float:
        """Return how long to wait until a time of the recording may be played."""
        if self._speed is None:
            return 0.0
        return (now_ns - self._first_ns) / SECOND_NS / self._speed - (self._clock() - self._begun)

    @property
    def due_ns(self) -> int:
        """The time of the recording up to which its pace has come."""
        if self._speed is None:
            return self.next_ns or self._first_ns
        return self._first_ns + int((self._clock() - self._begun) * self._speed * SECOND_NS)

    def poll(self, until_ns: int) -> tuple[Decoded, list[tuple[bytes, int]]]:
        """Return what the recording holds up to a time of its own; the octets stay in its file."""
        parts: list[Decoded] = []
        while self._next is not None and self._next.now_ns <= until_ns:
            parts.append(self._next.arrived)
            self._next = next(self._steps, None)
        return joined(parts), []

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""
        return self.recording.problems

    def status(self) -> Mapping[str, float | str]:
        """Return how the playing is."""
        state = "ended" if self.ended else "playing"
        return _status(state, 0, 0, 0, self.recording.cut or "")

    def close(self) -> None:
        """Stop playing."""
        self._steps, self._next = iter(()), None


def _status(state: str, octets: int, dropped: int, lost: int, why: str) -> Mapping[str, float | str]:
    return {"state": state, "octets": octets, "dropped_octets": dropped, "lost_connections": lost, "why": why}


Feed = UdpFeed | TcpFeed | FileFeed


def open_feeds(sources: Sequence[Source], step_ns: int) -> list[Feed]:
    """Return sources at work.

    Raises
    ------
    InputError, FormatError
        A port in use, a file that cannot be read; what was opened before is closed again.
    """
    feeds: list[Feed] = []
    try:
        for source in sources:
            if source.scheme == "udp":
                feeds.append(UdpFeed(source))
            elif source.scheme == "tcp":
                feeds.append(TcpFeed(source))
            else:
                feeds.append(FileFeed(source, step_ns))
    except Exception:
        for feed in feeds:
            feed.close()
        raise
    return feeds
