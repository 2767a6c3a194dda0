"""Mode S frames as columns, whatever framing they came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from skypact.tables import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

Clock = Literal["none", "counter", "day", "utc"]
"""What `Frames.clock_ns` counts from: nothing known, the receiver's start, midnight UTC, 1970-01-01 UTC."""

LONGEST = 14
"""Bytes of the longest frame: 112 bits."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of 2 (Mode A/C), 7 (short) or 14 bytes (long) with the receiver's stamp.

    Attributes
    ----------
    data : uint8 array, shape (n, 14)
        The bytes; zero behind the length.
    length : uint8 array, shape (n,)
    clock_ns : int64 array, shape (n,)
        The receiver's time stamp in nanoseconds since what `clock` says; `tables.NO_TIME` where it gave none.
    received_ns : int64 array, shape (n,)
        Arrival here in UTC nanoseconds, `tables.NO_TIME` where unknown.
    signal : int16 array, shape (n,)
        Level as Beast sends it, 0-255 of full-scale amplitude; -1 where unknown.
    clock : str
        One of `Clock`, for the whole batch.
    vouched : bool array, shape (n,), optional
        Whether something beside the frame, such as a label in the recording, names the address in its parity; no frame
        if not given.
    """

    data: NDArray[np.uint8]
    length: NDArray[np.uint8]
    clock_ns: NDArray[np.int64]
    received_ns: NDArray[np.int64]
    signal: NDArray[np.int16]
    clock: Clock = "none"
    vouched: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.length)

    def __getitem__(self, where: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Frames:
        """Return the frames selected by a slice, a mask or an index array."""
        return replace(
            self,
            data=self.data[where],
            length=self.length[where],
            clock_ns=self.clock_ns[where],
            received_ns=self.received_ns[where],
            signal=self.signal[where],
            vouched=None if self.vouched is None else self.vouched[where],
        )

    def hex(self) -> list[str]:
        """Return the frames as hexadecimal text, in lower case and their own length."""
        text = self.data.tobytes().hex()
        return [text[i * 28 : i * 28 + 2 * n] for i, n in enumerate(self.length.tolist())]

    @classmethod
    def of(cls, data: NDArray[np.uint8], time_ns: NDArray[np.int64] | int = NO_TIME) -> Frames:
        """Return long frames given as bytes, heard at these UTC times.

        Parameters
        ----------
        data : uint8 array, shape (n, 14)
        time_ns : int64 array, shape (n,), or int
            Their times, or one for all; `NO_TIME` makes frames without a clock.
        """
        n = len(data)
        times = np.broadcast_to(np.asarray(time_ns, np.int64), (n,)).copy()
        return cls(
            data,
            np.full(n, LONGEST, np.uint8),
            times,
            np.full(n, NO_TIME, np.int64),
            np.full(n, -1, np.int16),
            "none" if np.all(times == NO_TIME) else "utc",
        )

    @classmethod
    def of_hex(cls, frames: Sequence[str], time_ns: NDArray[np.int64] | Sequence[int] | int = NO_TIME) -> Frames:
        """Return frames given as hexadecimal text of 4, 14 or 28 digits, heard at these UTC times.

        Raises
        ------
        ValueError
            Something that is not such text.
        """
        wrong = next((f for f in frames if len(f) not in {4, 14, 28}), None)
        if wrong is not None:
            raise ValueError(f"a frame has 4, 14 or 28 hexadecimal digits: {wrong!r}")
        data = np.frombuffer(bytes.fromhex("".join(f.ljust(2 * LONGEST, "0") for f in frames)), np.uint8)
        made = cls.of(data.reshape(-1, LONGEST), np.asarray(time_ns, np.int64))
        return replace(made, length=np.array([len(f) // 2 for f in frames], np.uint8))
