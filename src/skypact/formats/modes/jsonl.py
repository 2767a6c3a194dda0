"""JSON lines with ``timestamp`` and ``frame``, as jet1090 and rs1090 write them."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from skypact.formats.modes import _kernels as k
from skypact.formats.modes.frames import LONGEST, Frames
from skypact.tables import NO_TIME
from skypact.units import SECOND_NS

LONGEST_LINE = 1 << 16
LATEST_S = 1 << 32
"""Times outside 1970 to 2106 are no times."""


class _Line(msgspec.Struct):
    timestamp: float | None = None
    frame: str = ""


def _to_ns(timestamp: float | None) -> int:
    """Return nanoseconds of seconds since 1970, rounded to the microsecond that a double holds."""
    if timestamp is None or not 0 <= timestamp < LATEST_S:
        return NO_TIME
    whole = math.floor(timestamp)
    return whole * SECOND_NS + round((timestamp - whole) * 1e6) * 1000


class JsonlReader:
    """Read frames from JSON lines fed in chunks of any size; all keys but ``timestamp`` and ``frame`` are ignored.

    Attributes
    ----------
    rejects : dict
        Lines that are not such ``json``, whose ``frame`` is not 14 or 28 hexadecimal digits, or that are too ``long``
        (over 64 KiB; memory stays flat).
    """

    def __init__(self) -> None:
        self._carry = b""
        self._skipping = False
        self._decoder = msgspec.json.Decoder(_Line)
        self.rejects: dict[str, int] = {}

    def _reject(self, reason: str, count: int = 1) -> None:
        if count:
            self.rejects[reason] = self.rejects.get(reason, 0) + count

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Frames:
        """Return the frames of the lines this chunk completes, all with its arrival."""
        lines = (self._carry + chunk).split(b"\n")
        self._carry = lines.pop()
        if self._skipping and lines:
            del lines[0]
            self._skipping = False
        if self._skipping:
            self._carry = b""
        elif len(self._carry) > LONGEST_LINE:
            self._reject("long")
            self._skipping = True
            self._carry = b""
        return self._read(lines, received_ns)

    def finish(self, received_ns: int = NO_TIME) -> Frames:
        """Say that no more bytes come; return the frame of a last line without an end."""
        lines = [self._carry] if not self._skipping else []
        self._carry = b""
        self._skipping = False
        return self._read(lines, received_ns)

    def _read(self, lines: list[bytes], received_ns: int) -> Frames:
        times: list[int] = []
        texts: list[bytes] = []
        sizes: list[int] = []
        for line in lines:
            if not line or line.isspace():
                continue
            if len(line) > LONGEST_LINE:
                self._reject("long")
                continue
            try:
                read = self._decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._reject("json")
                continue
            text = read.frame.encode("ascii", "replace")
            if len(text) not in {14, 28}:
                self._reject("frame")
                continue
            times.append(_to_ns(read.timestamp))
            texts.append(text.ljust(2 * LONGEST, b"0"))
            sizes.append(len(text) // 2)
        data = np.empty((len(times), LONGEST), np.uint8)
        good = k.read_hex(np.frombuffer(b"".join(texts), np.uint8).reshape(-1, 2 * LONGEST), data)
        self._reject("frame", len(good) - int(good.sum()))
        n = len(times)
        frames = Frames(
            data,
            np.array(sizes, np.uint8),
            np.array(times, np.int64),
            np.full(n, received_ns, np.int64),
            np.full(n, -1, np.int16),
            "utc",
        )
        return frames if good.all() else frames[good]
