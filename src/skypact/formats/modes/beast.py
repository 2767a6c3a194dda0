"""Beast binary framing, as receivers serve it on port 30005."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from skypact.formats.modes import _kernels as k
from skypact.formats.modes.frames import LONGEST, Clock, Frames
from skypact.tables import NO_TIME
from skypact.units import DAY_NS, SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST = 11
"""Bytes of the smallest frame: escape, type, 6 of stamp, level, 2 of Mode A/C."""
TICKS = 250
TICKS_NS = 3
"""The 12 MHz counter: three ticks are 250 ns."""
COUNTER_TICKS = 1 << 48
MLAT_STAMP = 0xFF004D4C4154
"""The stamp (ending in "MLAT") by which position servers mark frames they made up: no clock."""


def stamps_to_ns(stamp: NDArray[np.int64], clock: Literal["counter", "day"]) -> NDArray[np.int64]:
    """Return nanoseconds of 48-bit stamps: 12 MHz ticks, or GPS time as 18 bits of seconds and 30 of nanoseconds.

    A stamp of zero, and the one that marks synthetic frames, is no time.
    """
    if clock == "counter":
        ns = stamp * TICKS // TICKS_NS
    else:
        ns = (stamp >> 30) * SECOND_NS + (stamp & 0x3FFFFFFF)
    return np.where((stamp <= 0) | (stamp == MLAT_STAMP), NO_TIME, ns)


def ns_to_stamps(clock_ns: NDArray[np.int64], clock: Clock) -> NDArray[np.int64]:
    """Return the stamp of each time: the inverse of `stamps_to_ns`; times of day for UTC, zero where there is none."""
    if clock == "none":
        return np.zeros(len(clock_ns), np.int64)
    known = np.where(clock_ns == NO_TIME, 0, clock_ns)
    if clock == "counter":
        stamp = (known // TICKS * TICKS_NS + (known % TICKS * TICKS_NS + TICKS // 2) // TICKS) % COUNTER_TICKS
    else:
        of_day = known % DAY_NS
        stamp = (of_day // SECOND_NS << 30) | of_day % SECOND_NS
    return np.where(clock_ns == NO_TIME, 0, stamp)


class BeastReader:
    """Cut a Beast stream, fed in chunks of any size, into frames.

    Parameters
    ----------
    clock : {"counter", "day"}
        What the stamps are: ticks of a free 12 MHz counter, or GPS time of day as a Radarcape sends it.

    Attributes
    ----------
    rejects : dict
        Bytes of ``garbage`` between frames, frames ``cut`` by the start of another, unknown ``type``.
    status : int
        Receiver status messages (type 4) passed over.
    """

    def __init__(self, clock: Literal["counter", "day"] = "counter") -> None:
        self._clock: Literal["counter", "day"] = clock
        self._carry = b""
        self._counts = np.zeros(len(k.BEAST_REASONS), np.int64)

    @property
    def rejects(self) -> dict[str, int]:
        """What was passed over so far, by reason."""
        return {r: int(n) for r, n in zip(k.BEAST_REASONS, self._counts, strict=True) if n and r != "status"}

    @property
    def status(self) -> int:
        """How many receiver status messages were passed over."""
        return int(self._counts[k.STATUS])

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
        at, n = k.deframe(np.frombuffer(buffer, np.uint8), data, length, stamp, signal, end, self._counts)
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
            self._counts[k.CUT] += 1
        self._carry = b""


def encode_beast(frames: Frames) -> bytes:
    """Return frames as a Beast stream: `BeastReader` gives them back.

    Frames with a counter get 12 MHz ticks, frames with a time of day or UTC get a GPS time of day; frames without a
    clock get the stamp zero, and frames without a level the level zero.
    """
    out = np.empty(44 * len(frames), np.uint8)
    stamp = ns_to_stamps(frames.clock_ns, frames.clock)
    n = k.enframe(frames.data, frames.length, stamp, np.maximum(frames.signal, 0), out)
    return out[:n].tobytes()
