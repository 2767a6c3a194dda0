"""Frames in lines of separated values, as data sets come: time, address and frame in columns of any order."""

from __future__ import annotations

import numpy as np

from skypact.formats.modes import _csv_lines as k
from skypact.formats.modes.frames import LONGEST, Frames
from skypact.tables import NO_TIME


class CsvReader:
    """Read frames from separated values (comma, semicolon, tab; quoted or not), fed in chunks of any size.

    The frame is the field of 28 hexadecimal digits, else of 14. The time is the first field found to be seconds since
    1970; where there is none, a first field with a fraction is seconds of some other clock. A field of six hexadecimal
    digits that equals the address in the frame's parity vouches for it. A header, a byte order mark and other columns
    mean nothing.

    Attributes
    ----------
    rejects : dict
        Lines without a ``frame``, and those too ``long`` (over 4 KiB).
    """

    def __init__(self) -> None:
        self._carry = b""
        self._skipping = False
        self._state = np.zeros(k.STATE, np.int64)
        self._state[[k.FRAME_COLUMN, k.TIME_COLUMN]] = -1
        self._counts = np.zeros(len(k.REASONS), np.int64)

    @property
    def rejects(self) -> dict[str, int]:
        """Lines left out so far, by reason."""
        return {r: int(n) for r, n in zip(k.REASONS, self._counts, strict=True) if n}

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Frames:
        """Return the frames of the lines this chunk completes, all with its arrival."""
        buffer = self._carry + chunk
        if self._skipping:
            _, found, buffer = buffer.partition(b"\n")
            self._skipping = not found
        rows = len(buffer) // k.SMALLEST + 1
        data = np.empty((rows, LONGEST), np.uint8)
        length = np.empty(rows, np.uint8)
        time_ns = np.empty(rows, np.int64)
        vouched = np.empty(rows, np.bool_)
        at, n = k.scan(np.frombuffer(buffer, np.uint8), self._state, data, length, time_ns, vouched, self._counts)
        self._carry = buffer[at:]
        if len(self._carry) > k.LONGEST:
            self._counts[k.LONG] += 1
            self._carry = b""
            self._skipping = True
        return Frames(
            data[:n],
            length[:n],
            time_ns[:n],
            np.full(n, received_ns, np.int64),
            np.full(n, -1, np.int16),
            "counter" if self._state[k.COUNTED] else "utc",
            vouched[:n],
        )

    def finish(self, received_ns: int = NO_TIME) -> Frames:
        """Say that no more bytes come; return the frame of a last line without an end."""
        return self.feed(b"\n", received_ns)
