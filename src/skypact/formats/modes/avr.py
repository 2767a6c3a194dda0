"""AVR text framing: ``*8D...;`` and ``@0123456789AB8D...;``, as receivers serve it on port 30002."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from skypact.formats.modes import _kernels as k
from skypact.formats.modes.beast import ns_to_stamps, stamps_to_ns
from skypact.formats.modes.frames import LONGEST, Frames
from skypact.tables import NO_TIME

SMALLEST = 6
"""Bytes of the smallest frame, a Mode A/C reply without stamp."""


class AvrReader:
    """Cut AVR text, fed in chunks of any size, into frames.

    Frames start with ``*`` or ``:``, with ``@`` or ``%`` when a 48-bit stamp precedes them, with ``<`` when stamp and
    signal level do, and end with ``;``. White space between frames means nothing.

    Parameters
    ----------
    clock : {"counter", "day"}
        What the stamps are: ticks of a free 12 MHz counter, or GPS time of day.

    Attributes
    ----------
    rejects : dict
        Bytes of ``garbage`` between frames, frames with other than hexadecimal ``digits`` or of a wrong ``length``.
    """

    def __init__(self, clock: Literal["counter", "day"] = "counter") -> None:
        self._clock: Literal["counter", "day"] = clock
        self._carry = b""
        self._counts = np.zeros(len(k.AVR_REASONS), np.int64)

    @property
    def rejects(self) -> dict[str, int]:
        """What was passed over so far, by reason."""
        return {r: int(n) for r, n in zip(k.AVR_REASONS, self._counts, strict=True) if n}

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Frames:
        """Return the frames this chunk completes, all with its arrival."""
        return self.pieces([chunk], [received_ns])

    def pieces(self, chunks: Sequence[bytes], received_ns: Sequence[int]) -> Frames:
        """Return the frames these chunks complete, each with the arrival of the chunk that completes it."""
        buffer = b"".join([self._carry, *chunks])
        rows = len(buffer) // SMALLEST + 1
        data = np.empty((rows, LONGEST), np.uint8)
        length = np.empty(rows, np.uint8)
        stamp = np.empty(rows, np.int64)
        signal = np.empty(rows, np.int16)
        end = np.empty(rows, np.int64)
        at, n = k.scan_avr(np.frombuffer(buffer, np.uint8), data, length, stamp, signal, end, self._counts)
        bounds = len(self._carry) + np.cumsum([len(chunk) for chunk in chunks])
        self._carry = buffer[at:]
        return Frames(
            data[:n],
            length[:n],
            stamps_to_ns(stamp[:n], self._clock),
            np.asarray(received_ns, np.int64)[np.searchsorted(bounds, end[:n])],
            signal[:n],
            self._clock,
        )

    def finish(self) -> None:
        """Say that no more bytes come: a frame cut by the end is counted."""
        if self._carry:
            self._counts[k.LENGTH] += 1
        self._carry = b""


def encode_avr(frames: Frames) -> bytes:
    """Return frames as AVR text, one a line, with stamps where they have a clock: `AvrReader` gives them back."""
    stamps = ns_to_stamps(frames.clock_ns, frames.clock).tolist()
    lines = [f"@{s:012X}{f};\n" if s else f"*{f};\n" for s, f in zip(stamps, map(str.upper, frames.hex()), strict=True)]
    return "".join(lines).encode()
