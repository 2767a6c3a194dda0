"""Feeds from the network, each read by a thread of its own into a bounded inbox.

A feed never raises for what others do: it counts, waits and tries again.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING

from skypact.errors import InputError
from skypact.formats.datagrams import Datagrams
from skypact.formats.intake import Intake, intake
from skypact.node.feeds import Arrival, FeedStatus, State
from skypact.node.inbox import Inbox

if TYPE_CHECKING:
    from skypact.node.config import Source

PORTS = {30002: "avr", 30003: "sbs", 30005: "beast"}
"""Formats by the port that receivers usually offer them on."""
WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses between attempts to connect."""
CONNECT_S = 5.0
QUIET_S = 10.0
"""A line without an octet for so long is said to be quiet."""
DEAD_S = 60.0
"""A stream without an octet for so long is taken for dead and connected anew."""
LARGEST_DATAGRAM = 65_536
RECEIVE_BUFFER = 1 << 23
"""What is asked of the system for each UDP source, so that a burst waits there."""
LOOK_S = 0.2
"""How often a reading thread looks whether it is to stop."""


class _Network(ABC):
    """What feeds from the network share."""

    ended = False

    def __init__(self, source: Source, wire: str) -> None:
        self.name = source.name
        self.source = source
        self.inbox = Inbox(source.queue_octets)
        self._intake: Intake = intake(wire, **source.reading)
        self._state: State = "waiting"
        self._why = ""
        self._lost = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source-{source.name}", daemon=True)

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""
        return self._intake.problems

    def status(self) -> FeedStatus:
        """Return how the line is."""
        last = self.inbox.last
        quiet = None if last == float("-inf") else time.monotonic() - last
        state: State = "quiet" if self._state == "receiving" and (quiet or 0.0) > QUIET_S else self._state
        return FeedStatus(self.name, state, self.inbox.received, self.inbox.dropped, self._lost, quiet, self._why)

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(CONNECT_S + 1.0)

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
            what = f"source {source.name}: {source.address} cannot be listened to: {_reason(err)}"
            raise InputError(what, hint="is another program there? choose another port or interface") from None
        self._thread.start()

    def poll(self, until_ns: int) -> Arrival:
        """Return what arrived since the last call."""
        messages = self.inbox.drain()
        if not messages:
            return Arrival()
        decoded = self._intake.take(Datagrams.of([m for m, _ in messages], [t for _, t in messages]))
        return Arrival(decoded, messages)

    def close(self) -> None:
        """Stop listening."""
        super().close()
        self._socket.close()

    def _run(self) -> None:
        self._socket.settimeout(LOOK_S)
        while not self._stop.is_set():
            try:
                message = self._socket.recv(LARGEST_DATAGRAM)
            except TimeoutError:
                continue
            except OSError as err:
                # A failed send elsewhere on the machine can surface here; the socket itself stays good.
                self._why = _reason(err)
                self._stop.wait(0.1)
                continue
            self._state = "receiving"
            self.inbox.put(message, time.time_ns())


def _listen(source: Source) -> socket.socket:
    group = ip_address(socket.getaddrinfo(source.host, None, type=socket.SOCK_DGRAM)[0][4][0])
    family = socket.AF_INET6 if group.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM)
    try:
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if not group.is_multicast:
            listener.bind((str(group), source.port))
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

    def poll(self, until_ns: int) -> Arrival:
        """Return what arrived since the last call."""
        messages = self.inbox.drain()
        return Arrival(self._intake.pieces([m for m, _ in messages], [t for _, t in messages]), messages)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            before = self.inbox.received
            try:
                with socket.create_connection((self.source.host, self.source.port), timeout=CONNECT_S) as line:
                    self._state, self._why = "waiting", ""
                    self._why = self._read(line)
            except OSError as err:
                self._why = _reason(err)
            if self._stop.is_set():
                return
            failures = 0 if self.inbox.received > before else failures + 1
            self._state = "not connected"
            self._lost += 1
            self._stop.wait(WAITS_S[min(max(failures - 1, 0), len(WAITS_S) - 1)])

    def _read(self, line: socket.socket) -> str:
        """Read until the line ends and return why it did."""
        line.settimeout(LOOK_S)
        last = time.monotonic()
        while not self._stop.is_set():
            try:
                chunk = line.recv(1 << 16)
            except TimeoutError:
                if time.monotonic() - last > DEAD_S:
                    return f"nothing came for {DEAD_S:.0f} s"
                continue
            except OSError as err:
                return _reason(err)
            if not chunk:
                return "the sender closed the line"
            last = time.monotonic()
            self._state = "receiving"
            self.inbox.put(chunk, time.time_ns())
        return "stopped"


def _reason(err: OSError) -> str:
    return (err.strerror or str(err) or type(err).__name__).lower()
