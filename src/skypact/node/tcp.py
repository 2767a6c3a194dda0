"""A feed over TCP: bytes as they come, in steps of time, connected anew when the line breaks."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from skypact.errors import MisuseError
from skypact.formats.decoded import Decoded
from skypact.formats.intake import Intake
from skypact.node.pace import STEP_NS, Step

PORTS = {30002: "avr", 30003: "sbs", 30005: "beast"}
"""Formats by the port that receivers usually offer them on."""

LARGEST = 1 << 22
"""Most octets taken in one step; the rest waits in the sender."""
WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses between attempts to connect."""
QUIET_S = 60.0
"""A line without a byte for so long is taken for dead."""


@dataclass(slots=True)
class TcpFeed:
    """Reads a stream from a server.

    Parameters
    ----------
    host : str
    port : int
    intake : Intake
        What decodes the stream.

    Attributes
    ----------
    connected : bool
    received : int
        Octets so far.
    lost : int
        How often the line broke or could not be had.
    why : str
        What was the matter the last time.
    """

    host: str
    port: int
    intake: Intake
    connected: bool = False
    received: int = 0
    lost: int = 0
    why: str = ""
    _line: socket.socket | None = field(default=None, repr=False)
    _next_try: float = 0.0
    _failures: int = 0
    _last_byte: float = 0.0

    def __iter__(self) -> Iterator[Step]:
        """Yield a step every half second, with whatever arrived; never ends by itself."""
        due = time.monotonic()
        try:
            while True:
                due += STEP_NS / 1e9
                chunk = self._read(due)
                now_ns = time.time_ns()
                yield Step(now_ns, self.intake.feed(chunk, now_ns) if chunk else Decoded())
                due = max(due, time.monotonic() - 1.0)
        finally:
            self._drop("")

    def _read(self, due: float) -> bytes:
        """Return what arrives until `due`."""
        parts: list[bytes] = []
        size = 0
        while (left := due - time.monotonic()) > 0 and size < LARGEST:
            if self._line is None and not self._connect(left):
                continue
            line = self._line
            if line is None:
                continue
            line.settimeout(left)
            try:
                chunk = line.recv(1 << 16)
            except TimeoutError:
                if time.monotonic() - self._last_byte > QUIET_S:
                    self._drop(f"nothing came for {QUIET_S:.0f} s")
                continue
            except OSError as err:
                self._drop((err.strerror or str(err)).lower())
                continue
            if not chunk:
                self._drop("the sender closed the line")
                continue
            self._last_byte = time.monotonic()
            self._failures = 0
            self.received += len(chunk)
            size += len(chunk)
            parts.append(chunk)
        return b"".join(parts)

    def _connect(self, left: float) -> bool:
        wait = self._next_try - time.monotonic()
        if wait > 0:
            time.sleep(min(wait, left))
            return False
        try:
            self._line = socket.create_connection((self.host, self.port), timeout=max(left, 0.2))
        except OSError as err:
            self._drop((err.strerror or str(err)).lower())
            return False
        self.connected = True
        self._last_byte = time.monotonic()
        return True

    def _drop(self, why: str) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None
        self.connected = False
        if why:
            self.lost += 1
            self.why = why
            self._next_try = time.monotonic() + WAITS_S[min(self._failures, len(WAITS_S) - 1)]
            self._failures += 1


def address(url: str) -> tuple[str, int]:
    """Return host and port of ``tcp://HOST:PORT``.

    Raises
    ------
    MisuseError
        An address of another form.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or parts.scheme != "tcp" or parts.path.strip("/"):
        raise MisuseError(f"--connect {url}: write it as tcp://HOST:PORT, such as tcp://127.0.0.1:30005")
    return host, port
